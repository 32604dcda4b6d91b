namespace Secrets.Bench;

/// <summary>Reports progress to the terminal. It is not part of the page.</summary>
internal static class Progress
{
    public static void Say(FormattableString what) =>
        Console.Error.WriteLine(FormattableString.Invariant($"{TimeProvider.System.GetLocalNow():HH:mm:ss} {FormattableString.Invariant(what)}"));
}
