using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Secrets.Api.CommandLine;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Running;

/// <summary>What an operator gets wrong on the first day: exit code and message of each start. The message is one sentence and names the setting.</summary>
public sealed class StartingWrongly(StartingWrongly.Databases databases) : IClassFixture<StartingWrongly.Databases>
{
    private const string Provider = "Database__Provider";
    private const string Connection = "ConnectionStrings__Secrets";

    /// <summary>Settings (names and values in turn), arguments, exit code, and a part of the message.</summary>
    public static TheoryData<string[], string[], int, string> Table => new()
    {
        // Arguments
        { [], ["frobnicate"], 2, "The argument frobnicate is unknown" },
        { [], ["--frobnicate"], 2, "The argument --frobnicate is unknown" },
        { [], ["migrate", "--create"], 2, "The argument --create is unknown" },
        { [], ["keys", "create-frist"], 2, "create-frist" },
        { [], ["integrity"], 2, "Required command was not provided" },
        { [], ["users", "set-issuer"], 2, "Required argument missing" },
        { [], ["check", "--wait-for-database", "soon"], 2, "--wait-for-database must be a duration" },
        { [], ["--Quota:BytesPerOwner"], 2, "A setting in Quota has no value" },
        { [], ["integrity", "accept"], 2, "Use either --owner or --database" },
        { [], ["integrity", "quarantine", "--owner", "nobody"], 2, "--owner must be user:<uuid> or organization:<id>" },
        { [], ["users", "set-issuer", "--issuer", "https://login.example"], 2, "Run Secrets.Api --help" },
        { [], ["--migrate", "check"], 2, "--migrate is a command of its own" },
        { [], ["-Quota:BytesPerOwner", "1"], 2, "An argument is unknown" },
        { [], ["--Qouta:BytesPerOwner=1"], 2, "An argument is unknown" },

        // Names of settings
        { ["Settings__Strict", "true", "Quota__BytesPerOwnr", "1"], ["check"], 1, "Quota:BytesPerOwnr (environment: Quota__BytesPerOwnr) is no setting of the service. Is Quota:BytesPerOwner meant?" },
        { ["Settings__Strict", "true", "Limits__Requests", "1"], ["check"], 1, "Limits:Requests (environment: Limits__Requests) is no setting" },
        { ["Settings__Strict", "true", "Auth__Jwt__Audiences", "a"], ["check"], 1, "Is Auth:Jwt:Audience meant?" },
        { ["Settings__Strict", "true", "Telemetry__Otlp__Endpont", "http://127.0.0.1:4318"], ["check"], 1, "Is Telemetry:Otlp:Endpoint meant?" },
        { ["Settings__Strict", "perhaps"], ["check"], 1, "Settings:Strict" },

        // Values of settings
        { ["Quota__BytesPerOwner", "0"], ["check"], 1, "Quota:BytesPerOwner must be a positive number of bytes" },
        { ["Quota__BytesPerOwner", "many"], ["check"], 1, "Quota:BytesPerOwner" },
        { ["Quota__BytesPerOwner", "0", "Resolve__MemoryMegabytes", "-1"], ["check"], 1, "Resolve:MemoryMegabytes must be from 0" },
        { [], ["check", "--Quota__BytesPerOwner=0"], 1, "Quota:BytesPerOwner must be a positive number of bytes" },
        { ["Limits__SecretValueLength", "3"], ["check"], 1, "Limits:SecretValueLength must be from" },
        { ["GroupCommit__BatchSize", "0"], ["check"], 1, "GroupCommit: BatchSize" },
        { ["Resolve__MemoryMegabytes", "-1"], ["check"], 1, "Resolve:MemoryMegabytes must be from 0" },
        { ["Database__WaitSeconds", "-1"], ["check"], 1, "Database:WaitSeconds must be from 0" },
        { ["Auth__BootstrapKey", "short"], ["check"], 1, "Auth:BootstrapKey" },
        { ["Auth__Jwt__Audience", "secrets"], ["check"], 1, "Auth:Jwt:Audience needs Auth:Jwt:Authority or Auth:Jwt:SigningKey" },
        { ["Auth__Jwt__Authority", "https://login.example"], ["check"], 1, "Auth:Jwt:Audience is required with Auth:Jwt:Authority" },
        { ["Auth__Jwt__SigningKey", "c2hvcnQ="], ["check"], 1, "Auth:Jwt:SigningKey must be at least" },
        { ["Proxies__Known", "everyone"], ["check"], 1, "Proxies:Known" },
        { ["Proxies__PathBase", "vault"], ["check"], 1, "Proxies:PathBase must be a path like /vault" },
        { ["Cors__Origins", "app.example"], ["check"], 1, "Cors:Origins" },

        // The database
        { [Provider, "MySql"], ["check"], 1, "Set Database:Provider (environment: Database__Provider) to one of Embedded, Postgres, SqlServer" },
        { [Provider, "Postgres", Connection, ""], ["check"], 1, "Set ConnectionStrings:Secrets" },
        { [Provider, "Postgres", Connection, "nonsense"], ["check"], 1, "ConnectionStrings:Secrets is not a connection string" },
        { [Provider, "Postgres", Connection, "Host=127.0.0.1;Port=1;Username=u"], ["check"], 1, "The database at tcp://127.0.0.1:1 cannot be used" },
        { [Provider, "Postgres", Connection, "Host=127.0.0.1;Port=1;Username=u"], [], 1, "The database at tcp://127.0.0.1:1 cannot be used" },

        // The root key
        { ["Encryption__RootKeyFile", ""], ["check"], 1, "Set Encryption:RootKeyFile" },
        { ["Encryption__RootKeyFile", "no-such-file"], ["check"], 1, "The root key file no-such-file does not exist" },
        { ["Encryption__PreviousRootKeyFile", "no-such-file"], ["check"], 1, "The file of the previous root key, no-such-file, does not exist" },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public async Task The_exit_code_and_the_message_say_what_to_do(string[] settings, string[] arguments, int code, string message)
    {
        await using var service = databases.Migrated.RunHere([.. settings.Chunk(2).Select(pair => (pair[0], (string?)pair[1]))], arguments);

        Assert.Equal(code, await service.ExitCodeAsync());
        Assert.Contains(message, Assert.Single(service.Output.Split('\n'), line => line.Contains(message, StringComparison.Ordinal) && !line.StartsWith('{')), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", service.Output, StringComparison.Ordinal);
    }

    /// <summary>One that is unreachable is in the table, one that is behind in <c>MigrationScripts</c>.</summary>
    [Theory]
    [InlineData("check")]
    [InlineData("serve")]
    public async Task Missing_and_empty_databases_are_told_apart(string command)
    {
        Assert.Contains("does not exist, is not open yet, or the user may not open it", await RefusedAsync(databases.Missing, command), StringComparison.Ordinal);
        Assert.Contains("The database has no tables yet. Run `Secrets.Api migrate` once", await RefusedAsync(databases.Empty, command), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_misspelt_database_name_creates_no_database()
    {
        var name = new DbConnectionStringBuilder { ConnectionString = databases.Missing.ConnectionString };
        foreach (var arguments in (string[])["migrate", "--migrate"])
        {
            var refusal = await RefusedAsync(databases.Missing, arguments);
            Assert.Contains($"The database {name[TestDatabase.IsSqlServer ? "Initial Catalog" : "Database"]} at ", refusal, StringComparison.Ordinal);
            Assert.Contains("Secrets.Api migrate --create-database", refusal, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("--help", "Usage:")]
    [InlineData("migrate --help", "--create-database")]
    [InlineData("--version", "0.")]
    public async Task Help_and_version_need_no_setting(string arguments, string expected)
    {
        await using var service = ServiceInProcess.Start(new Dictionary<string, string?>(StringComparer.Ordinal), arguments.Split(' '));

        Assert.Equal(0, await service.ExitCodeAsync());
        Assert.Contains(expected, service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrating_says_what_it_applied()
    {
        Assert.SkipWhen(TestDatabase.IsSqlServer, "The tests create databases of SQL Server themselves.");
        using var installation = await Installation.NewAsync();

        await using var first = installation.RunHere("migrate", "--create-database");
        Assert.Equal(0, await first.ExitCodeAsync());
        Assert.Matches(@"^Applied \d+_Initial\.\nThe database is current\.", first.Output.ReplaceLineEndings("\n"));
        await using var second = installation.RunHere("--migrate");
        Assert.Equal(0, await second.ExitCodeAsync());
        Assert.DoesNotContain("Applied", second.Output, StringComparison.Ordinal);
        await using var check = installation.RunHere("check");
        Assert.Equal(0, await check.ExitCodeAsync());
        string[] passed = [.. check.Output.ReplaceLineEndings("\n").Split('\n').Where(line => line.Contains(": ok", StringComparison.Ordinal))];
        Assert.Equal(["Configuration: ok.", "Database: ok."], passed[..2]);
        Assert.Matches("^Root key: ok, fingerprint [0-9a-f]{16}. The database is new", Assert.Single(passed[2..]));
    }

    [Theory]
    [InlineData("-Auth:BootstrapKey=hunter2hunter2hunter2hunter2hunter2")]
    [InlineData("--Auth:BootstrapKey=", "hunter2hunter2hunter2hunter2hunter2")]
    [InlineData("--Auth:BootstrapKey:hunter2")]
    [InlineData("Authorization=hunter2")]
    public async Task No_part_of_a_secret_is_repeated(params string[] arguments)
    {
        await using var service = databases.Migrated.RunHere(arguments);

        Assert.Equal(2, await service.ExitCodeAsync());
        Assert.DoesNotContain("hunter2", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_for_a_database_does_not_prevent_that_it_is_created()
    {
        Assert.SkipWhen(TestDatabase.IsSqlServer, "The tests create databases of SQL Server themselves.");
        using var installation = await Installation.NewAsync();
        await using var migration = installation.RunHere("migrate", "--create-database", "--wait-for-database", "60s");

        Assert.Equal(0, await migration.ExitCodeAsync());
    }

    [Fact]
    public async Task A_start_waits_for_the_database()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        var port = ((IPEndPoint)socket.LocalEndpoint).Port;
        socket.Stop();
        await using var check = databases.Migrated.RunHere(
            [(Provider, "Postgres"), (Connection, $"Host=127.0.0.1;Port={port};Username=u")], "check", "--wait-for-database", "2s");

        Assert.Equal(1, await check.ExitCodeAsync());
        Assert.Contains("The start waits for it, 2 seconds at most", check.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_setting_is_a_warning_in_development_and_an_error_in_production()
    {
        await using var development = databases.Migrated.RunHere([("ASPNETCORE_ENVIRONMENT", "Development"), ("Quota__BytesPerOwnr", "1")], "check");
        Assert.Equal(0, await development.ExitCodeAsync());
        Assert.Contains("Is Quota:BytesPerOwner meant? It is ignored", development.Output, StringComparison.Ordinal);
        await using var production = databases.Migrated.RunHere([("ASPNETCORE_ENVIRONMENT", "Production"), ("Quota__BytesPerOwnr", "1")], "check");
        Assert.Equal(1, await production.ExitCodeAsync());
        Assert.Contains("Is Quota:BytesPerOwner meant? Settings:Strict=false ignores unknown settings.", production.Output, StringComparison.Ordinal);

        // The log has the sentence too.
        var line = JsonNode.Parse(production.Output.Split('\n').Last(line => line.StartsWith('{')))!;
        Assert.Equal(("Fatal", "Quota:BytesPerOwnr"), (line["Level"]!.GetValue<string>(), line["Properties"]!["Setting"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Check_prints_every_setting_with_its_origin_and_masks_secrets()
    {
        await using var check = databases.Migrated.RunHere([("Quota__BytesPerOwner", "4321")], "check", "--print");

        Assert.Equal(0, await check.ExitCodeAsync());
        Assert.Contains("Quota:BytesPerOwner = 4321 (argument)", check.Output, StringComparison.Ordinal);
        Assert.Contains("Quota:SecretsPerOwner = 10000 (default)", check.Output, StringComparison.Ordinal);
        Assert.Contains("Auth:BootstrapKey = *** (argument)", check.Output, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings:Secrets = *** (argument)", check.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Installation.Key, check.Output, StringComparison.Ordinal);

        // Each may be an argument too: the sections of arguments are a list of their own, because arguments are read before the settings.
        string[] settings = [.. check.Output.Split('\n').TakeWhile(line => !line.StartsWith("Configuration: ", StringComparison.Ordinal)).Select(line => $"--{line.Split(" = ")[0]}=x")];
        Assert.Contains("--Telemetry:Otlp:Endpoint=x", settings);
        Assert.Equal(settings, SettingArguments.Separate(settings).Settings);
    }

    [Fact]
    public async Task Verifying_the_audit_on_the_command_line_finds_an_edited_row()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using (var service = installation.StartHere())
        {
            using var client = await service.ClientAsync(Installation.Key);
            await client.CreateSecretAsync("audited");
        }

        await using var sound = installation.RunHere("audit", "verify");
        Assert.Equal(0, await sound.ExitCodeAsync());
        Assert.Matches(@"\d+ rows were verified", sound.Output);
        await TestDatabase.RunAsync(installation.ConnectionString, "UPDATE audit SET outcome = 2 WHERE sequence = 1", [], command => command.ExecuteNonQueryAsync());
        await using var edited = installation.RunHere("audit", "verify");
        Assert.Equal(3, await edited.ExitCodeAsync());
        Assert.Contains("The row 1 of the chain", edited.Output, StringComparison.Ordinal);
    }

    private static async Task<string> RefusedAsync(Installation installation, params string[] arguments)
    {
        await using var service = installation.RunHere(arguments);
        Assert.Equal(1, await service.ExitCodeAsync());
        return Assert.Single(service.Output.Split('\n'), line => line.StartsWith("Secrets cannot start: ", StringComparison.Ordinal));
    }

    /// <summary>A migrated database, and some that are not.</summary>
    public sealed class Databases : IAsyncLifetime
    {
        public Installation Migrated { get; private set; } = null!;

        public Installation Missing { get; private set; } = null!;

        public Installation Empty { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            if (!TestDatabase.IsThere)
            {
                return; // every test is skipped
            }

            (Migrated, Missing, Empty) = (await Installation.NewAsync(), await Installation.NewAsync(), await Installation.NewAsync());
            await Migrated.MakeAsync();
            await Empty.MakeAsync();
            await TestDatabase.RunAsync(Empty.ConnectionString, "DROP TABLE migrations", [], command => command.ExecuteNonQueryAsync());
        }

        public ValueTask DisposeAsync()
        {
            foreach (var installation in (Installation?[])[Migrated, Missing, Empty])
            {
                installation?.Dispose();
            }

            return ValueTask.CompletedTask;
        }
    }
}
