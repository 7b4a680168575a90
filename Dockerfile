# The image holds Node.js, the libraries it loads, and Outrider: no shell, no package manager.
# Alone, with no command and no arguments, it runs the ambassador.
ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json tsconfig.json ./
# Without install scripts: the base's Node.js compiles, not the one that devDependencies would bring.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY scripts/ scripts/
COPY src/ src/
RUN node scripts/build.mjs

FROM ${NODE_IMAGE} AS modules
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE} AS rootfs
COPY scripts/image-rootfs.sh /
RUN sh /image-rootfs.sh /usr/local/bin/node /made

FROM scratch
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="outrider" \
      org.opencontainers.image.description="An HTTP ambassador for software you can't change" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=rootfs /made/root/ /
COPY --from=rootfs --chown=10001:0 /made/state/ /var/lib/
COPY --from=modules /build/node_modules/ /app/node_modules/
COPY --from=build /build/dist/ /app/dist/
COPY example/ /app/example/
COPY package.json LICENSE /app/
# Two threads share what each has freed, instead of keeping an arena each.
ENV MALLOC_ARENA_MAX=1
ENV NODE_ENV=production PATH=/usr/local/bin:/usr/bin:/bin
# A number, so that runAsNonRoot can be checked.
USER 10001:10001
# ./var/spool is below it: writable, but gone with the container unless a volume is mounted here, or where spool.path says.
WORKDIR /var/lib/outrider
# Traffic, metrics and health, admin API.
EXPOSE 5000 5090 5091
STOPSIGNAL SIGTERM
# No shell between: SIGTERM reaches Node.js, which is process 1.
# No second start either: these are the flags that `outrider run` would otherwise begin anew with.
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=2", "--heap-growing-percent=30", "--expose-gc", "--disable-warning=ExperimentalWarning", "/app/dist/outrider.js"]
CMD ["run"]
