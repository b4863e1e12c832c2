# One image for every service: `docker run siem-relay run --service collector`. Node runs the sources as they are; nothing is
# compiled. Buildable with and without BuildKit.

FROM node:26-slim AS manifests
WORKDIR /opt/siem-relay
COPY . .
# What npm looks at, and no more: a changed source does not install packages anew.
RUN find app packages services -type f ! -name package.json -delete && find . -type d -empty -delete && rm -rf LICENSE deploy docs

FROM node:26-slim AS dependencies
WORKDIR /opt/siem-relay
COPY --from=manifests /opt/siem-relay ./
# Without optional packages: they bring another Node.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:26-slim
ARG VERSION=0.0.0-dev
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="siem-relay" \
      org.opencontainers.image.description="Carries Microsoft Defender for Cloud Apps alerts and activities to your SIEM as CEF over syslog: nothing lost, each alert once." \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.licenses="Apache-2.0"

# glibc gives freed buffers back instead of keeping them: 20 to 40 MB resident. Node's compiled code is kept in the image: a
# command starts in half the time, which a health check asks for every few seconds.
ENV NODE_ENV=production \
    IMAGE_REVISION="$REVISION" \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=32768 \
    MALLOC_TRIM_THRESHOLD_=65536 \
    NODE_COMPILE_CACHE=/opt/siem-relay/.compile-cache

COPY deploy/docker/siem-relay /usr/local/bin/siem-relay
COPY --from=dependencies /opt/siem-relay /opt/siem-relay
COPY . /opt/siem-relay
# /siem-relay is where the relay looks: siem-relay.yaml is mounted there, and on data/ the volume of an embedded log.
RUN rm -r /opt/siem-relay/deploy && siem-relay schema > /dev/null && mkdir -p /siem-relay/data && chown node:node /siem-relay/data
WORKDIR /siem-relay

# By number, so that Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 9464 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["siem-relay", "health"]
ENTRYPOINT ["siem-relay"]
CMD ["run"]
