# One image for every process of the product: `npm run api`, `npm run worker`, `npm run migrate`.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build
# What runs needs no development package, and of the Temporal SDK's binaries this machine's alone.
RUN npm prune --omit=dev --no-audit --no-fund \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 -not -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

FROM node:20-bookworm-slim
# The Temporal SDK reads the system's certificates.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# Reachable from outside the container, and a folder that its user can write; compose mounts a volume there.
ENV NODE_ENV=production HOST=0.0.0.0 ARTIFACTS_FOLDER=/app/artifacts
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# A volume mounted here belongs to whom the folder belonged.
RUN mkdir artifacts && chown node:node artifacts
USER node
CMD ["npm", "run", "api"]
