# syntax=docker/dockerfile:1
# Two images from one build: --target manager (the operator) and
# --target receiver (what the operator runs for each WhatsAppWebhook).
# hack/release/images builds the same without a container engine.

# The image is pinned by digest. The toolchain that go.mod names builds: Go gets it from the module proxy, and checks it
# against the checksum database.
FROM --platform=$BUILDPLATFORM golang:1.26.9@sha256:f1f0bcc2c524a3ced375fcb4d1ecb7aa371aa7070e112599aaca45cc02d0101b AS build
ENV GOTOOLCHAIN=auto
WORKDIR /src
COPY go.mod go.sum ./
COPY api/go.mod api/go.sum ./api/
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go run -C hack/release ./images -rootfs /out/rootfs
ARG TARGETOS TARGETARCH VERSION=dev
# Pure Go, so any platform is built on the builder's own, without emulation.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/ ./cmd/manager ./cmd/receiver

FROM scratch AS base
COPY --from=build /out/rootfs/ /
ARG VERSION=dev
LABEL org.opencontainers.image.source="https://github.com/wawebhook/whatsapp-webhook-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
# By number: runAsNonRoot cannot check a name.
USER 65532:65532
WORKDIR /

FROM base AS receiver
COPY --from=build /out/receiver /receiver
ENTRYPOINT ["/receiver"]

FROM base AS manager
COPY --from=build /out/manager /manager
ENTRYPOINT ["/manager"]
