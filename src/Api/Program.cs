using Secrets.Api;
using Secrets.Api.OpenApi;
using Secrets.Api.Server;
using Secrets.Application;
using Secrets.EmbeddedPostgres;
using Secrets.Infrastructure;
using Secrets.Infrastructure.Foundation;

try
{
    return await Commands.RunAsync(args, Build);
}
catch (Exception problem) when (problem is StartupException or OptionsValidationException)
{
    await Console.Error.WriteLineAsync($"Secrets cannot start: {problem.Message}");
    return 1;
}

static WebApplication Build(string[] settings)
{
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions
    {
        Args = settings,
        ContentRootPath = AppContext.BaseDirectory,
        EnvironmentName = OpenApiDocuments.IsBuild ? Environments.Development : null,
    });
    builder.Logging.ClearProviders();
    builder.WebHost.ListenAsConfigured(builder.Configuration).ConfigureKestrel(RequestLimits.Apply);
    builder.Services.AddApplication().AddInfrastructure(builder.Configuration, builder.Environment, new EmbeddedEngine()).AddApi();
    if (!OpenApiDocuments.IsBuild)
    {
        builder.Services.AddStartup();
        builder.AddObservability();
    }

    var app = builder.Build();
    app.UseApi();
    return app;
}
