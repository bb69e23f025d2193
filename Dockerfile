# One image for the gateway (default command) and the simulator (docker-compose.yml gives it another command).
# The pinned Node comes with the packages (docs/decisions.md); nothing is compiled, no install script runs.
FROM node:22-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]

FROM debian:12-slim
LABEL org.opencontainers.image.title="DiGA ePA gateway" \
      org.opencontainers.image.licenses="Apache-2.0"
# Own user without a shell; the three directories it may write to are volumes or tmpfs (SEC-19).
RUN ["groupadd", "--gid", "10001", "epa"]
RUN ["useradd", "--uid", "10001", "--gid", "10001", "--no-create-home", "--shell", "/usr/sbin/nologin", "epa"]
RUN ["install", "-d", "-o", "epa", "-g", "epa", "-m", "0700", "/var/lib/epa-gateway", "/run/epa-sim", "/etc/epa-gateway"]
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE README.md ./
COPY bin ./bin
COPY wire ./wire
COPY certs ./certs
COPY mio ./mio
COPY gateway ./gateway
COPY connector-sim ./connector-sim
USER 10001:10001
# The three of memory are what bin/launch.js gives (docs/bench.md, part `large`).
ENV NODE_ENV=production \
    NODE_OPTIONS="--max-semi-space-size=8 --expose-gc" \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=131072 \
    EPA_GATEWAY_CONFIG=/etc/epa-gateway/gateway.yaml \
    EPA_GATEWAY_DATA=/var/lib/epa-gateway
VOLUME ["/var/lib/epa-gateway"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["/app/node_modules/.bin/node", "/app/bin/healthy.js", "http://127.0.0.1:18080/livez"]
# The flag: memory of an ended thread goes back (bin/launch.js).
ENTRYPOINT ["/app/node_modules/.bin/node", "--no-memory-pool-share-memory-on-teardown"]
CMD ["/app/gateway/cli.ts", "serve"]
