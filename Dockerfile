# The tags are those of the SDK and the runtime that the published service was tried with (docs/deployment.md). Change them together with global.json.
FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0.401-noble AS build
WORKDIR /source

# The restore needs these files only, so that a change of the code keeps its layer. A test compares the list with what the service refers to.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY eng/postgres/EmbeddedPostgres.targets eng/postgres/
COPY src/Domain/Domain.csproj src/Domain/packages.lock.json src/Domain/
COPY src/Application/Application.csproj src/Application/packages.lock.json src/Application/
COPY src/Infrastructure/Infrastructure.csproj src/Infrastructure/packages.lock.json src/Infrastructure/
COPY src/EmbeddedPostgres/EmbeddedPostgres.csproj src/EmbeddedPostgres/packages.lock.json src/EmbeddedPostgres/
COPY src/Api/Api.csproj src/Api/packages.lock.json src/Api/
RUN dotnet restore src/Api --locked-mode -p:SkipEmbeddedPostgres=true

# The embedded database is for development: its binaries stay out, and so does npm. Without a host program the output runs on every processor.
COPY .editorconfig ./
COPY eng/BannedSymbols.txt eng/
COPY src src
RUN dotnet publish src/Api --no-restore --configuration Release --output /app -p:SkipEmbeddedPostgres=true -p:UseAppHost=false

# Not the chiseled or Alpine image without ICU: the driver of SQL Server needs it.
FROM mcr.microsoft.com/dotnet/aspnet:10.0.12-noble
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Secrets" \
      org.opencontainers.image.description="A write-only service that stores credentials for AI-agent platforms" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# For Audit__CheckpointFile. A new volume that is mounted here gets the owner and the mode of this folder.
RUN install -d -o $APP_UID -g $APP_UID -m 0700 /var/lib/secrets
WORKDIR /app
COPY --from=build /app .

# Clients use 8080, probes use 8081. The diagnostics ports would let a debugger of the same user read the memory, and need a writable /tmp.
ENV ASPNETCORE_URLS=http://+:8080 \
    Health__Url=http://+:8081 \
    DOTNET_EnableDiagnostics=0
EXPOSE 8080 8081
USER $APP_UID

# The image has no curl. bash opens the connection itself, and starts in milliseconds, unlike a second .NET process. Liveness, not readiness: Swarm
# replaces unhealthy containers, and a fault of the database must not make it replace them all.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8081 && printf 'GET /health/live HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["dotnet", "Secrets.Api.dll"]
