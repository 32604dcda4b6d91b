using Microsoft.Extensions.Options;
using Secrets.Api;
using Secrets.Api.Http;
using Secrets.Api.OpenApi;
using Secrets.Application;
using Secrets.Infrastructure;

try
{
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions
    {
        Args = [.. args.Where(argument => argument is not Serving.Migrate)],
        ContentRootPath = AppContext.BaseDirectory,
        EnvironmentName = OpenApiDocuments.IsBuild ? Environments.Development : null,
    });
    builder.Logging.ClearProviders();
    builder.WebHost.UseLoopbackByDefault(builder.Configuration).ConfigureKestrel(RequestLimits.Apply);
    builder.Services.AddApplication().AddInfrastructure(builder.Configuration, builder.Environment).AddApi();
    if (!OpenApiDocuments.IsBuild)
    {
        builder.Services.AddStartup();
        builder.Logging.AddSafely(builder.Configuration);
    }

    var app = builder.Build();
    app.UseApi();
    if (args.Contains(Serving.Migrate, StringComparer.Ordinal))
    {
        await app.Services.MigrateAsync(CancellationToken.None);
        return 0;
    }

    await app.ServeAsync();
    return 0;
}
catch (Exception problem) when (problem is StartupException or OptionsValidationException)
{
    await Console.Error.WriteLineAsync($"Secrets cannot start: {problem.Message}");
    return 1;
}
