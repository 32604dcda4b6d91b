using Secrets.Api;
using Secrets.Api.CommandLine;
using Secrets.Api.OpenApi;
using Secrets.Api.Server;
using Secrets.Application;
using Secrets.EmbeddedPostgres;
using Secrets.Infrastructure;

try
{
    return await Cli.RunAsync(args, Build);
}
catch (Exception exception) when (StartFailure.Describe(exception) is { } problem)
{
    return await StartFailure.ReportAsync(problem, args);
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
