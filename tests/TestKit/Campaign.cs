namespace Secrets.TestKit;

/// <summary>
/// The length of campaigns: random cases, histories, rounds of kill -9. <c>SECRETS_TEST_CAMPAIGNS</c> scales all of them: <c>small</c> (the default) is
/// a tenth of <c>medium</c>, <c>full</c> is ten times <c>medium</c>.
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

    /// <summary>The number of cases of a campaign.</summary>
    /// <param name="medium">The number at size medium.</param>
    /// <param name="least">The smallest number that can find a fault.</param>
    public static int Size(int medium, int least = 1) => Math.Max(least, (int)(medium * Scale));

    /// <summary>The least duration of a campaign that takes minutes: zero below size full.</summary>
    public static TimeSpan AtFull(TimeSpan duration) => Scale >= 10 ? duration : TimeSpan.Zero;
}
