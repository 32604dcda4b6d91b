using System.Globalization;

namespace Secrets.TestKit.History;

/// <summary>The kind of an operation.</summary>
public enum OperationKind
{
    /// <summary>Sets the value of the key.</summary>
    Write,

    /// <summary>Returns the value of the key.</summary>
    Read,
}

/// <summary>An operation as its client saw it.</summary>
/// <param name="Key">The key. Keys are independent of each other.</param>
/// <param name="Kind">Read or write.</param>
/// <param name="Value">The written or read value; null: no value, as before the first write and after a delete.</param>
/// <param name="Start">The time of the request, on the clock of the history.</param>
/// <param name="End">
/// The time at which the client knew of the success; null: it never did. Such a write may take effect at any time after its start, or never. Such a read
/// proves nothing.
/// </param>
/// <param name="By">The client, for the message of a failure.</param>
public sealed record Operation(string Key, OperationKind Kind, string? Value, long Start, long? End, string By = "")
{
    /// <summary>One line for the message of a failure.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"[{Start} .. {(object?)End ?? "?"}] {By} {Kind} {Key} = {Value ?? "nothing"}");
}
