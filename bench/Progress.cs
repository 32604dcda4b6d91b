namespace Secrets.Bench;

/// <summary>What the run is at, for whoever waits for it. Not part of the page.</summary>
internal static class Progress
{
    public static void Say(FormattableString what) =>
        Console.Error.WriteLine(FormattableString.Invariant($"{TimeProvider.System.GetLocalNow():HH:mm:ss} {FormattableString.Invariant(what)}"));
}
