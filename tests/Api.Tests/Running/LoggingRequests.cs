using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>What an operator sees without telemetry.</summary>
public sealed class LoggingRequests(ApiServer server)
{
    [Fact]
    public void Nothing_is_exported_without_an_address()
    {
        Assert.Null(server.Services.GetService<MeterProvider>());
        Assert.Null(server.Services.GetService<TracerProvider>());
    }

    [Fact]
    public async Task While_the_database_is_down_a_request_logs_no_stack_trace()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var proxy = new CuttingProxy(installation.ConnectionString);
        await using var service = installation.StartHere(proxy.ConnectionString);
        using var client = await service.ClientAsync(Installation.Key);
        (await client.GetAsync("/api/v1/secrets")).MustBe(200);
        proxy.GoDown();
        var before = service.Output.Length;
        (await client.GetAsync("/api/v1/secrets")).MustBe(503);

        var failed = service.Output[before..];
        Assert.Contains("A request could not be answered now", failed, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", failed, StringComparison.Ordinal);
    }
}
