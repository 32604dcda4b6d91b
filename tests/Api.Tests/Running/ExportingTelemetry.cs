using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>A collector gets metrics, traces and logs of mixed use, and nothing that a caller sent.</summary>
public sealed class ExportingTelemetry(ExportingTelemetry.Run run) : IClassFixture<ExportingTelemetry.Run>
{
    [Fact]
    public void A_collector_gets_the_metrics_of_the_service() => Assert.Superset(
        new HashSet<string>(StringComparer.Ordinal)
        {
            "http.server.request.duration", "dotnet.gc.collections", "kestrel.active_connections",
            "secrets.audit.append.duration", "secrets.audit.verification.duration", "secrets.audit.verifications",
            "secrets.batch.queue_length", "secrets.batch.size", "secrets.cache.requests", "secrets.cache.size", "secrets.credentials.refused",
            "secrets.database.up", "secrets.health.check", "secrets.integrity.owners", "secrets.key_rotation.keys_left", "secrets.quota.refusals",
            "secrets.resolve.duration", "secrets.resolve.missing_arguments",
        },
        run.Collector.Metrics.Select(metric => metric.Name).ToHashSet(StringComparer.Ordinal));

    [Fact]
    public void No_byte_that_leaves_holds_what_a_caller_sent()
    {
        var forms = FileHunt.FormsOf(Run.Mark).Append(Run.Mark.ToUpperInvariant()).Select(Encoding.UTF8.GetBytes).ToList();
        Assert.All(run.Collector.Bodies, body => Assert.All(forms, form => Assert.True(
            body.AsSpan().IndexOf(form) < 0, $"found the mark in: {Around(body, form)}")));
        Assert.DoesNotContain(Run.Mark, run.Scraped, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Run.Mark, run.Output, StringComparison.OrdinalIgnoreCase);
    }

    private static string Around(byte[] body, byte[] form) =>
        body.AsSpan().IndexOf(form) is var at && at < 0 ? "" : Encoding.Latin1.GetString(body.AsSpan(Math.Max(0, at - 80), Math.Min(160, body.Length - Math.Max(0, at - 80))));

    /// <summary>A service that exports everything, after a script of mixed use.</summary>
    public sealed class Run : IAsyncLifetime
    {
        /// <summary>Part of every value, name, tool, argument, path and header of the script.</summary>
        public const string Mark = "zmark7f3e9c1d5b";

        private const string Path = "/api/v1/secrets";

        public OtlpCollector Collector { get; private set; } = null!;

        /// <summary>The metrics as Prometheus reads them.</summary>
        public string Scraped { get; private set; } = "";

        /// <summary>The log of the service.</summary>
        public string Output { get; private set; } = "";

        public async ValueTask InitializeAsync()
        {
            Collector = await OtlpCollector.StartAsync();
            using var installation = await Installation.NewAsync();
            await installation.MakeAsync();
            var prometheus = $"http://127.0.0.1:{FreePort()}";
            await using var service = installation.Start(
                connectionString: null,
                ("Telemetry__Otlp__Endpoint", Collector.Address),
                ("Telemetry__Prometheus__Url", prometheus),
                ("Telemetry__TraceRatio", "1"),
                ("Quota__SecretsPerOwner", "12"),
                ("Audit__CheckpointFile", System.IO.Path.Combine(System.IO.Path.GetDirectoryName(installation.RootKeyFile)!, "checkpoint")),
                ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
                ("OTEL_BSP_SCHEDULE_DELAY", "200"),
                ("OTEL_BLRP_SCHEDULE_DELAY", "200"));
            using (var client = await service.ClientAsync(Installation.Key))
            {
                for (var round = 0; round < Campaign.Size(20, least: 2); round++)
                {
                    await UseAsync(client, round);
                }

                await OtlpCollector.WaitAsync(
                    () => Collector.Metrics.Any(metric => metric.Name == "secrets.database.up") && Collector.Metrics.Any(metric => metric.Name == "secrets.quota.refusals"),
                    "the metrics");
                using var http = new HttpClient();
                Scraped = await http.GetStringAsync($"{prometheus}/metrics");
            }

            Assert.Equal(0, await service.StopAsync());
            Output = service.Output;
        }

        public ValueTask DisposeAsync() => Collector.DisposeAsync();

        private static int FreePort()
        {
            using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
            listener.Start();
            return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        }

        private static async Task UseAsync(ApiClient client, int round)
        {
            var (name, tool, argument) = ($"{Mark}-name-{round}", $"{Mark}_tool_{round}", $"{Mark}_arg");
            await client.CreateSecretAsync(name, $"{Mark} value", tool, argument, isDefault: true);
            (await client.PostAsync(Path, new JsonObject { ["secret_name"] = name, ["secret_value"] = Mark })).MustBe(409);
            (await client.GetAsync($"{Path}?secret_name={Mark}")).MustBe(200);
            var call = new JsonObject
            {
                ["tool_name"] = tool,
                ["tool_args"] = new JsonArray(argument, $"{Mark}_other"),
                ["references"] = new JsonObject { [$"{Mark}_ref"] = $"{Mark}-nobody" },
            };
            var resolved = (await client.AskAsync($"{Path}/resolve", call)).MustBe(200);
            Assert.Equal($"{Mark} value", resolved.Json["values"]![0]!["secret_value"]!.GetValue<string>());
            (await client.AskAsync($"{Path}/resolve", $$"""{"tool_name":"{{tool}}","tool_args":["{{argument}}"]}""")).MustBe(200);
            (await client.AskAsync($"{Path}/resolve", $$"""{"tool_name":"{{Mark}}","tool_args":["{{Mark}}"]}""")).MustBe(200);
            (await client.AskAsync($"{Path}/resolve/explain", call)).MustBe(200);

            // In places where it does not belong.
            (await client.GetAsync($"{Path}/{Mark}")).MustBe(422);
            (await client.GetAsync($"/{Mark}/{Mark}?{Mark}={Mark}")).MustBe(404);
            (await client.SendAsync(new HttpMethod(Mark.ToUpperInvariant()), Path)).MustBe(405);
            (await client.SendAsync(HttpMethod.Post, Path, $$"""{"{{Mark}}":{{JsonSerializer.Serialize(Mark)}}}""")).MustBe(422);
            await client.SendAsync(
                HttpMethod.Get,
                Path,
                json: null,
                ("User-Agent", Mark),
                ("Host", Mark),
                ("X-Request-Id", Mark),
                ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                ("tracestate", $"vendor={Mark}"),
                ("baggage", $"{Mark}={Mark}"));

            // Refused.
            using var stranger = new ApiClient(new HttpClient { BaseAddress = client.Http.BaseAddress });
            (await stranger.GetAsync(Path)).MustBe(401);
            (await stranger.SendAsync(HttpMethod.Get, Path, json: null, ("x-api-key", Mark))).MustBe(401);
            for (var filler = 0; (await client.PostAsync(Path, new JsonObject { ["secret_name"] = $"{Mark}-{round}-{filler}", ["secret_value"] = Mark })).Status == 200; filler++)
            {
            }

            (await client.PostAsync("/api/v1/encryption/rotate", new JsonObject { ["layer"] = "data_keys" })).MustBe(200);
            (await client.GetAsync("/api/v1/audit/verify")).MustBe(200);
            (await client.GetAsync("/health/ready")).MustBe(200);
            var rows = (await client.GetAsync(Path)).MustBe(200).Json["data"]!.AsArray();
            foreach (var row in rows)
            {
                (await client.DeleteAsync($"{Path}/{row!["secret_id"]}")).MustBe(200);
            }
        }
    }
}
