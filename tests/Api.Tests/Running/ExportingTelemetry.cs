using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Secrets.Api.Telemetry;
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

    [Fact]
    public void A_trace_leads_from_the_request_through_the_mediator_and_the_batch_to_the_database()
    {
        var spans = run.Collector.Spans.ToLookup(span => span.Id, StringComparer.Ordinal);
        var resolves = run.Collector.Spans.Where(span => span.Name == "ResolveSecrets").ToList();
        Assert.NotEmpty(resolves);
        Assert.All(resolves, resolve => Assert.Equal("POST api/v1/secrets/resolve", Assert.Single(spans[resolve.Parent]).Name));
        Assert.Contains(run.Collector.Spans, batch => batch.Name == "batch audit"
            && spans[batch.Parent].Any(parent => parent.Name == "ResolveSecrets")
            && run.Collector.Spans.Any(statement => statement.Parent == batch.Id && statement.Attributes.Any(attribute => attribute.Name.StartsWith("db.", StringComparison.Ordinal))));
        Assert.Contains(run.Collector.Spans, span => span.Name == "CreateSecret" && span.Attributes.Contains(("error.type", "ConflictException")));
    }

    [Fact]
    public void Spans_have_listed_attributes_only_and_no_messages_of_exceptions()
    {
        Assert.All(run.Collector.Spans, span => Assert.Subset(
            AllowedAttributes.OfMetricsAndSpans.ToHashSet(StringComparer.Ordinal), span.Attributes.Select(attribute => attribute.Name).ToHashSet(StringComparer.Ordinal)));
        Assert.All(run.Collector.Spans, span => Assert.Equal((0, ""), (span.Events, span.Status)));
        Assert.DoesNotContain(run.Collector.Spans, span => span.Name.Contains("health", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_span_takes_no_trace_state_from_a_parent_that_still_runs(bool whenItEnds)
    {
        using var safe = new SafeSpans();
        using var parent = new Activity("parent") { TraceStateString = $"vendor={Run.Mark}" }.Start();
        using var child = new Activity("child").Start();
        Assert.Equal(parent.TraceStateString, child.TraceStateString);
        if (whenItEnds)
        {
            safe.OnEnd(child);
        }
        else
        {
            safe.OnStart(child);
        }

        Assert.Equal("", child.TraceStateString);
        Assert.Equal("", child.Context.TraceState);
    }

    [Fact]
    public void Metrics_have_listed_attributes_only()
    {
        Assert.All(run.Collector.Metrics, metric => Assert.Subset(
            AllowedAttributes.OfMetricsAndSpans.ToHashSet(StringComparer.Ordinal), metric.Attributes.Select(attribute => attribute.Name).ToHashSet(StringComparer.Ordinal)));
        Assert.Superset(
            new HashSet<(string, string)> { ("secrets.outcome", "filled"), ("secrets.outcome", "partial"), ("secrets.outcome", "missing") },
            AttributesOf("secrets.resolve.duration"));
        Assert.Superset(
            new HashSet<(string, string)> { ("secrets.missing.reason", "no_default"), ("secrets.missing.reason", "reference_unavailable") },
            AttributesOf("secrets.resolve.missing_arguments"));
        Assert.Superset(
            new HashSet<(string, string)> { ("secrets.refusal.reason", "none_sent"), ("secrets.refusal.reason", "malformed") },
            AttributesOf("secrets.credentials.refused"));
        Assert.Equal([("secrets.quota", "secrets")], AttributesOf("secrets.quota.refusals"));
    }

    [Fact]
    public void Log_lines_are_templates_with_listed_attributes()
    {
        Assert.All(run.Collector.Lines, line => Assert.Subset(
            AllowedAttributes.OfLogs.ToHashSet(StringComparer.Ordinal), line.Attributes.Select(attribute => attribute.Name).ToHashSet(StringComparer.Ordinal)));
        Assert.Contains(run.Collector.Lines, line => line.Body.StartsWith("{Method} {Route} {Status}", StringComparison.Ordinal)
            && line.Attributes.Contains(("Route", "api/v1/secrets/resolve"))
            && line.Attributes.Contains(("UserId", $"{ApiClient.BootstrapUser}")));
        Assert.Contains(run.Collector.Lines, line => line.Body.StartsWith("Secrets {Version} starts", StringComparison.Ordinal)
            && line.Attributes.Any(attribute => attribute is { Name: "Fingerprint", Value.Length: 16 }));
    }

    [Fact]
    public void The_log_has_one_rendered_JSON_line_for_each_request_and_none_for_probes()
    {
        var lines = run.Output.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonNode.Parse(line)!).ToList();
        var requests = lines.Select(line => line["RenderedMessage"]!.GetValue<string>()).Where(line => line.Contains("/secrets/resolve\" 200 ", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(requests);
        Assert.All(requests, line => Assert.EndsWith($" {ApiClient.BootstrapUser}", line, StringComparison.Ordinal));
        Assert.Contains(lines, line => line["RenderedMessage"]!.GetValue<string>().StartsWith("Secrets ", StringComparison.Ordinal));
        Assert.DoesNotContain("/health/ready", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dashboard.json", @"""expr"": ""(?<query>.+)"",?$")]
    [InlineData("alerts.yaml", "^ +expr: (?<query>.+)$")]
    public void Every_query_names_exported_metrics(string file, string pattern)
    {
        var exported = run.Scraped.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('{', ' ')[0]).ToHashSet(StringComparer.Ordinal);
        var text = File.ReadAllText(System.IO.Path.Combine(Repository.Root, "deploy", "observability", file));
        var queries = Regex.Matches(text, pattern, RegexOptions.Multiline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))
            .Select(match => match.Groups["query"].Value.Replace("\\\"", "\"", StringComparison.Ordinal)).ToList();
        Assert.True(queries.Count > 10, $"only {queries.Count} queries were found");
        Assert.All(queries, query =>
        {
            var names = MetricsOf(query);
            Assert.NotEmpty(names);
            Assert.All(names, name => Assert.True(exported.Contains(name), $"{name} is not exported, but used in: {query}"));
        });
    }

    [Fact]
    public void Every_alert_says_what_to_do()
    {
        var rules = File.ReadAllText(System.IO.Path.Combine(Repository.Root, "deploy", "observability", "alerts.yaml")).Split("- alert: ")[1..];
        Assert.All(rules, rule => Assert.All(
            (string[])["expr: ", "severity: ", "summary: ", "description: "], part => Assert.Contains(part, rule, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_documentation_lists_every_metric_of_the_service()
    {
        var page = File.ReadAllText(System.IO.Path.Combine(Repository.Root, "docs", "observability.md"));
        var own = run.Collector.Metrics.Select(metric => metric.Name).Where(name => name.StartsWith("secrets.", StringComparison.Ordinal)).Distinct(StringComparer.Ordinal);
        Assert.All(own, name => Assert.Contains($"| `{name}` |", page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_further_settings_a_collector_gets_metrics_and_no_traces()
    {
        await using var collector = await OtlpCollector.StartAsync();
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using (var service = installation.Start(connectionString: null, ("Telemetry__Otlp__Endpoint", collector.Address), ("OTEL_METRIC_EXPORT_INTERVAL", "200"), ("OTEL_BSP_SCHEDULE_DELAY", "100")))
        {
            using var client = await service.ClientAsync(Installation.Key);
            await client.CreateSecretAsync("name", "a value", "tool", "argument", isDefault: true);
            (await client.AskAsync("/api/v1/secrets/resolve", """{"tool_name":"tool"}""")).MustBe(200);
            await OtlpCollector.WaitAsync(() => collector.Metrics.Any(metric => metric.Name == "secrets.resolve.duration"), "the metrics");
            Assert.Equal(0, await service.StopAsync());
        }

        // A stop sends what is left.
        Assert.Empty(collector.Spans);
        Assert.DoesNotContain(collector.Lines, line => line.Body.StartsWith("{Method} {Route}", StringComparison.Ordinal));
    }

    private HashSet<(string Name, string Value)> AttributesOf(string metric) =>
        [.. run.Collector.Metrics.Where(sent => sent.Name == metric).SelectMany(sent => sent.Attributes)];

    /// <summary>The metrics in a query: its words without label matchers, groupings, ranges and functions.</summary>
    private static List<string> MetricsOf(string query)
    {
        var rest = Regex.Replace(
            query, @"\{[^}]*\}|\[[^\]]*\]|\b(by|without|on) *\([^)]*\)", " ", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        return [.. Regex.Matches(rest, @"[a-zA-Z_:][a-zA-Z0-9_:]*(?! *\()\b", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))
            .Select(match => match.Value)
            .Where(word => word is not ("and" or "or" or "unless"))];
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
                ("Telemetry__LogLevel", "Information"),
                ("Quota__SecretsPerOwner", "12"),
                ("Limits__FailedAuthenticationsPerMinute", "100000"),
                ("Limits__FailuresPerCredentialPerMinute", "100000"),
                ("Limits__AnonymousPerMinute", "100000"),
                ("Audit__CheckpointFile", System.IO.Path.Combine(System.IO.Path.GetDirectoryName(installation.RootKeyFile)!, "checkpoint")),
                ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
                ("OTEL_BSP_SCHEDULE_DELAY", "200"),
                ("OTEL_BLRP_SCHEDULE_DELAY", "200"));
            using (var client = await service.ClientAsync(Installation.Key))
            {
                var (watch, least) = (Stopwatch.StartNew(), Campaign.AtFull(TimeSpan.FromMinutes(10)));
                for (var round = 0; round < Campaign.Size(20, least: 2) || watch.Elapsed < least; round++)
                {
                    await UseAsync(client, round);
                }

                await OtlpCollector.WaitAsync(
                    () => Collector.Metrics.Any(metric => metric.Name == "secrets.database.up")
                        && Collector.Metrics.Any(metric => metric.Name == "secrets.quota.refusals")
                        && Collector.Metrics.Any(metric => metric.Name == "secrets.audit.checkpoint.age"),
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
