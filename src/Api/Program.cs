using Secrets.Api;
using Secrets.Api.Http;
using Secrets.Api.OpenApi;
using Secrets.Application;
using Secrets.Infrastructure;
using Serilog;

try
{
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, EnvironmentName = OpenApiDocuments.BuildEnvironment });
    builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace)
        .AddSerilog(new LoggerConfiguration().ReadFrom.Configuration(builder.Configuration).CreateLogger(), dispose: true);
    builder.WebHost.UseLoopbackByDefault(builder.Configuration).ConfigureKestrel(RequestLimits.Apply);
    builder.Services.AddApplication().AddInfrastructure(builder.Configuration, builder.Environment).AddApi();

    var app = builder.Build();
    app.UseApi();
    if (args.Contains("--migrate", StringComparer.Ordinal))
    {
        await app.Services.MigrateAsync(CancellationToken.None);
        return 0;
    }

    await app.RunAsync();
    return 0;
}
catch (StartupException problem)
{
    await Console.Error.WriteLineAsync($"Secrets cannot start: {problem.Message}");
    return 1;
}
