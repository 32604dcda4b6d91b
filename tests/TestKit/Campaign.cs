namespace Secrets.TestKit;

/// <summary>
/// How long the campaigns are: random cases, histories, rounds of kill -9. <c>SECRETS_TEST_CAMPAIGNS</c> scales them all: <c>small</c> (the default) is
/// a tenth of <c>medium</c>, <c>full</c> ten times as much.
/// </summary>
public static class Campaign
{
    public const string Setting = "SECRETS_TEST_CAMPAIGNS";

    private static readonly double Scale = Environment.GetEnvironmentVariable(Setting) switch
    {
        null or "" or "small" => 0.1,
        "medium" => 1,
        "full" => 10,
        _ => throw new InvalidOperationException($"{Setting} must be small, medium or full."),
    };

    /// <summary>How many cases a campaign has.</summary>
    /// <param name="medium">How many it has at size medium.</param>
    /// <param name="least">The fewest that show anything.</param>
    public static int Size(int medium, int least = 1) => Math.Max(least, (int)(medium * Scale));
}
