using System.Globalization;
using System.Text;

namespace Secrets.Bench;

/// <summary>What to measure, for how long.</summary>
internal sealed record BenchOptions
{
    /// <summary>Secrets that the small one of two services holds.</summary>
    public const int Small = 1_000;

    public const string Usage =
        """
        dotnet run -c Release --project bench [-- OPTIONS]

          --seconds N       of each measurement (default 8)
          --rounds N        of all measurements, every size in turn (default 3)
          --connections N   at the same time (default 32)
          --quick           1 second, 1 round, 10,000 secrets: does it run at all? a minute or so
          --only-create     the rounds of floor and create at 1,000 secrets, and nothing else
          --resolve         resolves against their floors, at 1,000, 100,000 and 1,000,000 secrets
          --authenticate    what authentication costs of a resolve, by API key and by JWT
          --bounds          what loads of one user or address do to the resolves of others, against the build of --against
          --most N          no more secrets than this for --resolve
          --write           write docs/performance.md
          --directory DIR   where the database goes while it runs (default: the temporary directory)
          --service FILE    another build's Secrets.Api.dll
          --against FILE    this build and that Secrets.Api.dll in turns: what a resolve, a create and a delete cost
          --limit MINUTES   give up after this long (default 30)
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

    /// <summary>The build to compare with; null: none.</summary>
    public string? Against { get; private init; }

    public int LimitMinutes { get; private init; } = 30;

    /// <summary>Secrets that the large one holds.</summary>
    public int Large => Quick ? 10_000 : 100_000;

    /// <summary>Measure resolves and not management.</summary>
    public bool Resolve { get; private init; }

    /// <summary>Measure authentication and not management.</summary>
    public bool Authenticate { get; private init; }

    /// <summary>Measure what loads of one user or address do to others.</summary>
    public bool Bounds { get; private init; }

    /// <summary>Secrets that the largest service for resolves holds at most.</summary>
    public int Most { get; private init; } = AllSizes[^1];

    /// <summary>Secrets stored, one service for each, in ascending order.</summary>
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
                "--write" => options with { Write = true },
                "--help" or "-h" => options with { Help = true },
                "--seconds" => options with { Seconds = Number(arguments, ++at, 600) },
                "--rounds" => options with { Rounds = Number(arguments, ++at, 100) },
                "--connections" => options with { Connections = Number(arguments, ++at, 1_000) },
                "--limit" => options with { LimitMinutes = Number(arguments, ++at, 24 * 60) },
                "--directory" => options with { Directory = Path.GetFullPath(Text(arguments, ++at)) },
                "--against" => options with { Against = Path.GetFullPath(Text(arguments, ++at)) },
                "--service" => options with { Service = Path.GetFullPath(Text(arguments, ++at)) },
                var unknown => throw new BenchException($"There is no option {unknown}.\n\n{Usage}"),
            };
        }

        return options;
    }

    /// <summary>The command line that gives these options.</summary>
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

    private static int Number(string[] arguments, int at, int most, int least = 1) =>
        int.TryParse(Text(arguments, at), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new BenchException($"{arguments[at - 1]} needs a number from {least} to {most}.\n\n{Usage}");
}

/// <summary>Something that ends the run, in words.</summary>
internal sealed class BenchException(string message) : Exception(message);
