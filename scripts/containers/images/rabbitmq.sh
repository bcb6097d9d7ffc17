#!/bin/sh
# The part of the official rabbitmq image's start that docker-compose.yml relies on: the default user and its password.
set -eu
: "${RABBITMQ_DEFAULT_USER:?must be set}" "${RABBITMQ_DEFAULT_PASS:?must be set}"
cat >/etc/rabbitmq/rabbitmq.conf <<END
default_user = $RABBITMQ_DEFAULT_USER
default_pass = $RABBITMQ_DEFAULT_PASS
loopback_users.guest = true
listeners.tcp.default = 5672
log.console = true
log.file = false
END
chown -R rabbitmq:rabbitmq /var/lib/rabbitmq /var/log/rabbitmq
export HOME=/var/lib/rabbitmq RABBITMQ_BASE=/var/lib/rabbitmq
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups /usr/lib/rabbitmq/bin/rabbitmq-server
