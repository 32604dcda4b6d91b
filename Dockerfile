FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
# The embedded database is for development: its binaries stay out, and so does npm.
RUN dotnet publish src/Api --configuration Release --output /app -p:SkipEmbeddedPostgres=true -p:RestoreLockedMode=true

# Not the chiseled or Alpine image without ICU: the driver of SQL Server needs it.
FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
ENV ASPNETCORE_URLS=http://+:8080
USER $APP_UID
ENTRYPOINT ["dotnet", "Secrets.Api.dll"]
