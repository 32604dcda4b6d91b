using System.Net;
using System.Net.Sockets;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>Starts that fail because the web server or a driver rejects a setting. The output is one line that names the setting.</summary>
public sealed class FailingToStart(FailingToStart.Ready ready) : IClassFixture<FailingToStart.Ready>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("secrets-run-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("Kestrel__Endpoints__Https__Certificate__Path", "missing.crt", "Kestrel:Endpoints:Https:Certificate:Path names a file that does not exist or cannot be read")]
    [InlineData("Kestrel__Endpoints__Https__Certificate__KeyPath", "missing.key", "Kestrel:Endpoints:Https:Certificate:KeyPath names a file that does not exist or cannot be read")]
    [InlineData("Kestrel__Certificates__Default__Path", "missing.pfx", "Kestrel:Certificates:Default:Path names a file that does not exist or cannot be read")]
    [InlineData("Kestrel__Endpoints__Https__Certificate__Path", "rubbish", "on the addresses in Kestrel:")]
    [InlineData("Kestrel__Endpoints__Https__Url", "", "on the addresses in Kestrel:")]
    public async Task An_unusable_certificate_is_named(string name, string value, string expected)
    {
        var rubbish = Path.Combine(_folder, "rubbish");
        await File.WriteAllTextAsync(rubbish, "rubbish", TestContext.Current.CancellationToken);

        await MustBeRefusedAsync(
            expected,
            ("ASPNETCORE_URLS", null),
            ("Kestrel__Endpoints__Https__Url", "https://127.0.0.1:0"),
            ("Kestrel__Endpoints__Https__Certificate__Path", rubbish),
            (name, value.Length > 0 ? Path.Combine(_folder, value) : value));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("ftp://127.0.0.1")]
    [InlineData("http://127.0.0.1:99999")]
    [InlineData("http://192.0.2.1:5080")]
    public async Task An_invalid_address_is_refused(string url) =>
        await MustBeRefusedAsync($"on the addresses in ASPNETCORE_URLS ({url}):", ("ASPNETCORE_URLS", url));

    [Theory]
    [InlineData("ASPNETCORE_URLS", "http://127.0.0.1:5085", "http://127.0.0.2:5085")]
    [InlineData("ASPNETCORE_URLS", "http://127.0.0.1:0;http://localhost:5085", "http://0.0.0.0:5085")]
    [InlineData("ASPNETCORE_URLS", null, "http://127.0.0.2:5080")]
    [InlineData("Kestrel__Endpoints__Http__Url", "http://127.0.0.1:5085", "http://127.0.0.2:5085")]
    public async Task A_health_port_equal_to_the_service_port_is_refused(string name, string? value, string health) =>
        await MustBeRefusedAsync("Health:Url has the port 508", (name, value), ("Health__Url", health));

    [Theory]
    [InlineData("Serilog__Using__0", "No.Such.Assembly", "The section Serilog")] // while the host is built
    [InlineData("Quota__BytesPerOwner", "0", "Quota:BytesPerOwner")] // during validation of the settings
    [InlineData("Encryption__RootKey__Provider", "AwsKms", "Encryption:RootKeyFile and the settings in Encryption:RootKey exclude each other")] // the same
    [InlineData("Encryption__RootKeyFile", "no-such-file", "no-such-file")] // during preparation of the keys
    [InlineData("ASPNETCORE_URLS", "nonsense", "on the addresses in ASPNETCORE_URLS (nonsense):")] // when Kestrel begins to listen
    public async Task The_process_exits_with_1_at_every_stage_of_a_failed_start(string name, string value, string expected)
    {
        await using var service = ready.Installation.Start(settings: Among([(name, value)]));

        await MustBeRefusedAsync(service, expected);
    }

    [Fact]
    public async Task An_address_in_use_is_named()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var url = $"http://{other.LocalEndpoint}";

        await MustBeRefusedAsync($"on the addresses in ASPNETCORE_URLS ({url}):", ("ASPNETCORE_URLS", url));
    }

    [Theory]
    [InlineData("Postgres", "nonsense")]
    [InlineData("Postgres", "Host=127.0.0.1;Password=a;hunter2=b")]
    [InlineData("Postgres", "Host=127.0.0.1;Port=hunter2")]
    [InlineData("Postgres", "Database=d")]
    [InlineData("Postgres", "Host=127.0.0.1;Password=hunter2;Minimum Pool Size=5;Maximum Pool Size=4")]
    [InlineData("SqlServer", "Server=127.0.0.1;Password=hunter2;Min Pool Size=5;Max Pool Size=4")]
    [InlineData("SqlServer", "nonsense")]
    [InlineData("SqlServer", "Database=d")]
    [InlineData("SqlServer", "Server=127.0.0.1;Password=a;hunter2=b")]
    [InlineData("SqlServer", "Server=127.0.0.1;Connect Timeout=hunter2")]
    [InlineData("SqlServer", "Server=127.0.0.1;Password=hunter2;Integrated Security=true;Authentication=ActiveDirectoryManagedIdentity")]
    public async Task An_invalid_connection_string_is_named_and_not_repeated(string provider, string connection)
    {
        var output = await MustBeRefusedAsync("ConnectionStrings:Secrets", ("Database__Provider", provider), ("ConnectionStrings__Secrets", connection));

        Assert.DoesNotContain("hunter2", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Postgres", "Host=127.0.0.1;Port=1;Username=u;Password=hunter2;Database=d", "tcp://127.0.0.1:1", "Failed to connect")]
    [InlineData("SqlServer", "Server=127.0.0.1,1;User ID=u;Password=hunter2;Connect Timeout=1", "127.0.0.1,1", "SQL Server")]
    public async Task An_unreachable_database_is_reported_with_the_drivers_message(string provider, string connection, string server, string expected)
    {
        var output = await MustBeRefusedAsync($"The database at {server} cannot be used: ", ("Database__Provider", provider), ("ConnectionStrings__Secrets", connection));

        Assert.Contains(expected, output, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_invalid_log_configuration_is_named() => await MustBeRefusedAsync("The section Serilog", ("Serilog__Using__0", "No.Such.Assembly"));

    [Theory]
    [InlineData("Telemetry__Otlp__Endpoint", "collector:4317", "Telemetry:Otlp:Endpoint")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense", "Telemetry:Otlp:Endpoint")]
    [InlineData("Telemetry__Otlp__Protocol", "http/json", "Telemetry:Otlp:Protocol")]
    [InlineData("Telemetry__Prometheus__Url", "https://127.0.0.1:9464", "Telemetry:Prometheus:Url")]
    [InlineData("Telemetry__Prometheus__Url", "http://127.0.0.1:9464/metrics", "Telemetry:Prometheus:Url")]
    [InlineData("Telemetry__TraceRatio", "2", "Telemetry:TraceRatio")]
    [InlineData("Telemetry__TraceRatio", "half", "Telemetry:TraceRatio")]
    public async Task An_invalid_telemetry_setting_is_named(string name, string value, string expected) => await MustBeRefusedAsync(expected, (name, value));

    [Fact]
    public async Task An_address_of_the_metrics_in_use_is_named()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var url = $"http://{other.LocalEndpoint}";

        await MustBeRefusedAsync($"Telemetry:Prometheus:Url ({url}) cannot be used", ("Telemetry__Prometheus__Url", url));
    }

    [Fact]
    public async Task A_stop_during_the_start_exits_cleanly()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var service = ServiceProcess.Start(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Database__Provider"] = "Postgres",
            ["ConnectionStrings__Secrets"] = $"Host=127.0.0.1;Port={((IPEndPoint)silent.LocalEndpoint).Port};Username=u;Database=d;Timeout=2",
        });
        using var connection = await silent.AcceptTcpClientAsync(TestContext.Current.CancellationToken);

        Assert.Equal(0, await service.StopAsync());
        Assert.DoesNotContain("   at ", service.Output, StringComparison.Ordinal);
    }

    private async Task<string> MustBeRefusedAsync(string expected, params (string Name, string? Value)[] settings)
    {
        // Background workers already run when the web server starts.
        await using var service = ready.Installation.StartHere(settings: Among(settings));
        return await MustBeRefusedAsync(service, expected);
    }

    private static (string Name, string? Value)[] Among((string Name, string? Value)[] settings) =>
        [("ASPNETCORE_ENVIRONMENT", "Development"), ("Audit__RetentionDays", "30"), .. settings];

    private static async Task<string> MustBeRefusedAsync(RunningService service, string expected)
    {
        Assert.Equal(1, await service.ExitCodeAsync());
        var output = service.Output;
        var line = Assert.Single(output.Split('\n'), line => line.StartsWith("Secrets cannot start", StringComparison.Ordinal));
        Assert.Contains(expected, line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.DoesNotContain(" FTL]", output, StringComparison.Ordinal);
        Assert.DoesNotContain(" ERR]", output, StringComparison.Ordinal);
        return output;
    }

    /// <summary>A migrated database, so that no other fault prevents the start.</summary>
    public sealed class Ready : IAsyncLifetime
    {
        public Installation Installation { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            if (TestDatabase.IsThere) // without a database every test is skipped
            {
                Installation = await Installation.NewAsync();
                await Installation.MakeAsync();
            }
        }

        public ValueTask DisposeAsync()
        {
            Installation?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
