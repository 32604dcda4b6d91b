using System.Globalization;
using System.Text;

namespace Secrets.Bench;

/// <summary>The options of a run.</summary>
internal sealed record BenchOptions
{
    /// <summary>The number of secrets of the smaller service.</summary>
    public const int Small = 1_000;

    public const string Usage =
        """
        dotnet run -c Release --project bench [-- OPTIONS]

          --seconds N       length of each measurement (default 8)
          --rounds N        rounds of all measurements; the sizes take turns (default 3)
          --connections N   concurrent connections (default 32)
          --quick           1 second, 1 round, 10,000 secrets: tests that the bench runs, in about a minute
          --only-create     only floor and create, at 1,000 secrets
          --resolve         resolves and their floors, at 1,000, 100,000 and 1,000,000 secrets
          --authenticate    share of authentication in the cost of a resolve, by API key and by JWT
          --bounds          effect of loads of one user or address on resolves of others; needs --against
          --most N          maximum number of secrets for --resolve and comparisons
          --each N          number of secrets of each owner in a comparison, 10 to 10,000 (default 10)
          --write           write docs/performance.md
          --directory DIR   directory of the database (default: the temporary directory)
          --service FILE    Secrets.Api.dll of another build, in place of this one
          --against FILE    Secrets.Api.dll of another build, in turns with this one: cost of a resolve, a create and a delete
          --sqlserver TEXT  connection string of a database: this build there, in turns with the embedded PostgreSQL. The database is created, and stays
          --server-process N  main process of that server, if it runs here: its processor time counts
          --telemetry       this build with telemetry, in turns with this build without
          --with NAME=VALUE this build with an environment variable, in turns with this build without
          --limit MINUTES   stop after this time (default 30)
        """;

    private static readonly IReadOnlyList<int> AllSizes = [Small, 100_000, 1_000_000];

    public int Seconds { get; private init; } = 8;

    public int Rounds { get; private init; } = 3;

    public int Connections { get; private init; } = 32;

    public bool Quick { get; private init; }

    public bool OnlyCreate { get; private init; }

    public bool Write { get; private init; }

    public bool Help { get; private init; }

    public string Directory { get; private init; } = Path.GetTempPath();

    public string? Service { get; init; }

    /// <summary>Secrets.Api.dll of the build to compare with; null: none.</summary>
    public string? Against { get; private init; }

    /// <summary>The connection string of a SQL Server database to compare with PostgreSQL; null: none.</summary>
    public string? SqlServer { get; init; }

    /// <summary>The main process of the SQL Server; 0: on another machine.</summary>
    public int ServerProcess { get; private init; }

    /// <summary>Compares this build with telemetry with this build without.</summary>
    public bool Telemetry { get; init; }

    /// <summary>Environment variables of this build that the other side does not have.</summary>
    public IReadOnlyList<(string Name, string Value)> With { get; init; } = [];

    public int LimitMinutes { get; private init; } = 30;

    /// <summary>The number of secrets of the larger service.</summary>
    public int Large => Quick ? 10_000 : 100_000;

    /// <summary>Measures resolves, not management.</summary>
    public bool Resolve { get; private init; }

    /// <summary>Measures authentication, not management.</summary>
    public bool Authenticate { get; private init; }

    /// <summary>Measures the effect of loads of one user or address on others.</summary>
    public bool Bounds { get; private init; }

    /// <summary>The maximum number of secrets of a service for resolves and comparisons.</summary>
    public int Most { get; private init; } = AllSizes[^1];

    /// <summary>The number of secrets of each owner in a comparison.</summary>
    public int Each { get; private init; } = StoreDefaults.Each;

    /// <summary>The number of owners in a comparison, at least one.</summary>
    public int Owners => Math.Clamp(Most / Each, 1, Small);

    /// <summary>The numbers of stored secrets in ascending order. Each has its own service.</summary>
    public IReadOnlyList<int> Sizes => this switch
    {
        { Resolve: true } => [.. AllSizes.Where(size => size <= (Quick ? Small : Most))],
        { OnlyCreate: true } => [Small],
        _ => [Small, Large],
    };

    public TimeSpan Duration => TimeSpan.FromSeconds(Seconds);

    public static BenchOptions Parse(string[] arguments)
    {
        var options = new BenchOptions();
        for (var at = 0; at < arguments.Length; at++)
        {
            options = arguments[at] switch
            {
                "--quick" => options with { Quick = true, Seconds = 1, Rounds = 1 },
                "--only-create" => options with { OnlyCreate = true },
                "--resolve" => options with { Resolve = true },
                "--authenticate" => options with { Authenticate = true },
                "--bounds" => options with { Bounds = true },
                "--most" => options with { Most = Number(arguments, ++at, AllSizes[^1], Small) },
                "--each" => options with { Each = Number(arguments, ++at, Small * StoreDefaults.Each, StoreDefaults.Each) },
                "--write" => options with { Write = true },
                "--help" or "-h" => options with { Help = true },
                "--seconds" => options with { Seconds = Number(arguments, ++at, 600) },
                "--rounds" => options with { Rounds = Number(arguments, ++at, 100) },
                "--connections" => options with { Connections = Number(arguments, ++at, 1_000) },
                "--limit" => options with { LimitMinutes = Number(arguments, ++at, 24 * 60) },
                "--directory" => options with { Directory = Path.GetFullPath(Text(arguments, ++at)) },
                "--against" => options with { Against = Path.GetFullPath(Text(arguments, ++at)) },
                "--sqlserver" => options with { SqlServer = Text(arguments, ++at) },
                "--with" => options with { With = [.. options.With, Setting(arguments, ++at)] },
                "--telemetry" => options with { Telemetry = true },
                "--server-process" => options with { ServerProcess = Number(arguments, ++at, int.MaxValue) },
                "--service" => options with { Service = Path.GetFullPath(Text(arguments, ++at)) },
                var unknown => throw new BenchException($"Unknown option {unknown}.\n\n{Usage}"),
            };
        }

        return options;
    }

    /// <summary>The command line with these options.</summary>
    public string Command()
    {
        var given = new StringBuilder();
        if (Resolve) given.Append(" --resolve");
        if (Authenticate) given.Append(" --authenticate");
        if (Bounds) given.Append(" --bounds");
        if (Quick) given.Append(" --quick");
        if (OnlyCreate) given.Append(" --only-create");
        if (!Quick && Seconds != 8) given.Append(CultureInfo.InvariantCulture, $" --seconds {Seconds}");
        if (!Quick && Rounds != 3) given.Append(CultureInfo.InvariantCulture, $" --rounds {Rounds}");
        if (Connections != 32) given.Append(CultureInfo.InvariantCulture, $" --connections {Connections}");
        if (Resolve && Most != AllSizes[^1]) given.Append(CultureInfo.InvariantCulture, $" --most {Most}");
        if (Write) given.Append(" --write");
        return "dotnet run -c Release --project bench" + (given.Length > 0 ? " --" + given : "");
    }

    private static string Text(string[] arguments, int at) =>
        at < arguments.Length ? arguments[at] : throw new BenchException($"{arguments[at - 1]} needs a value.\n\n{Usage}");

    private static (string Name, string Value) Setting(string[] arguments, int at) => Text(arguments, at).Split('=', 2) is [var name, var value]
        ? (name, value)
        : throw new BenchException($"{arguments[at - 1]} needs NAME=VALUE.\n\n{Usage}");

    private static int Number(string[] arguments, int at, int most, int least = 1) =>
        int.TryParse(Text(arguments, at), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new BenchException($"{arguments[at - 1]} needs a number from {least} to {most}.\n\n{Usage}");
}

/// <summary>A failure that ends the run, with a message for a person.</summary>
internal sealed class BenchException(string message) : Exception(message);
