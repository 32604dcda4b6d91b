using System.Globalization;

namespace Secrets.TestKit.History;

/// <summary>Whether an operation changed what is stored or asked for it.</summary>
public enum OperationKind
{
    /// <summary>From its effect on, the key has that value.</summary>
    Write,

    /// <summary>The key had that value.</summary>
    Read,
}

/// <summary>One thing that a client did, as that client saw it.</summary>
/// <param name="Key">What it was done with; no key has anything to do with another.</param>
/// <param name="Kind">What it was.</param>
/// <param name="Value">What was written or read; null: nothing, as before the first write and after a delete.</param>
/// <param name="Start">When it was sent, on the one clock of the history.</param>
/// <param name="End">
/// When its success was known; null: it never was. Such a write may take effect at any time from its start, or never; such a read says
/// nothing.
/// </param>
/// <param name="By">Who did it, for the message of a failure.</param>
public sealed record Operation(string Key, OperationKind Kind, string? Value, long Start, long? End, string By = "")
{
    /// <summary>One line for the message of a failure.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"[{Start} .. {(object?)End ?? "?"}] {By} {Kind} {Key} = {Value ?? "nothing"}");
}
