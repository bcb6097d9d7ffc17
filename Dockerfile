# One image for every service; the command chooses which: `tidegate service importer`, `tidegate migrate`, ...
# Runs as an ordinary user with a read-only root; only /data and /tmp are written.

FROM python:3.11-slim AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# Wheels of exactly what the lock names, every one proved by its hash. setuptools goes first, for what has no wheel.
COPY requirements.lock ./
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock > setuptools.lock \
    && pip install --require-hashes --no-deps --only-binary :all: -r setuptools.lock \
    && pip wheel --require-hashes --no-deps --no-build-isolation -w wheels -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY shared shared
COPY services services
# Only what Tidegate needs to run is taken from these wheels, and nothing from anywhere else.
RUN pip wheel --no-deps --no-build-isolation -w wheels . \
    && python -m venv --without-pip /opt/tidegate \
    && pip --python /opt/tidegate/bin/python install --no-index --find-links=wheels tidegate

FROM python:3.11-slim
RUN groupadd --system --gid 10001 tidegate \
    && useradd --system --uid 10001 --gid tidegate --home-dir /data --shell /usr/sbin/nologin tidegate \
    && mkdir -p /data/drop /data/work \
    && chown -R tidegate:tidegate /data
COPY --from=build /opt/tidegate /opt/tidegate
ENV PATH=/opt/tidegate/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
EXPOSE 8080 9090 2222
ENTRYPOINT ["tidegate"]
