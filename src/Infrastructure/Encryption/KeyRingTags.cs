using System.Text;
using Secrets.Infrastructure.Integrity;

namespace Secrets.Infrastructure.Encryption;

/// <summary>The rows of the key ring, and the state that says which rows those are.</summary>
internal sealed record KeyRingRecords(IntegrityStateRow State, IReadOnlyList<KeyRingRow> Rows);

/// <summary>Tags the rows of the key ring and their state, and verifies them.</summary>
internal sealed class KeyRingTags(IntegrityKey integrity)
{
    private const string RowPurpose = "key_ring/row";
    private const string StatePurpose = "key_ring/state";

    /// <summary>Tags an entry.</summary>
    public KeyRingRow Tagged(string name, string xml) => new() { Name = name, Xml = xml, Tag = integrity.Tag(RowPurpose, ContentOf(name, xml).Bytes) };

    /// <summary>Gives an entry another content.</summary>
    public void Replace(KeyRingRow row, string xml) => (row.Xml, row.Tag) = (xml, integrity.Tag(RowPurpose, ContentOf(row.Name, xml).Bytes));

    /// <summary>The first state: of these entries.</summary>
    public IntegrityStateRow FirstState(IReadOnlyList<KeyRingRow> rows)
    {
        var state = new IntegrityStateRow { Id = IntegrityTable.KeyRing, Revision = 0, Tag = [] };
        Advance(state, rows);
        return state;
    }

    /// <summary>Moves the state on: these are the entries now.</summary>
    public void Advance(IntegrityStateRow state, IReadOnlyList<KeyRingRow> rows)
    {
        state.Revision++;
        state.Tag = integrity.Tag(StatePurpose, ContentOf(state.Revision, rows).Bytes);
    }

    /// <summary>Sees that the service wrote each entry, and that they are those of the state.</summary>
    /// <exception cref="TamperedException">It is not so.</exception>
    public void Require(KeyRingRecords records)
    {
        if (records.Rows.FirstOrDefault(row => !IsGenuine(row)) is { } forged)
        {
            throw new TamperedException($"The entry {TamperedException.Quote(forged.Name)} of the key ring was not written by this service, or was changed since.");
        }

        if (records.Rows.Count == 0 || !integrity.Verifies(records.State.Tag, StatePurpose, ContentOf(records.State.Revision, records.Rows).Bytes))
        {
            throw new TamperedException($"The entries of the key ring are not those of its revision {records.State.Revision}: one was removed or put back.");
        }
    }

    private bool IsGenuine(KeyRingRow row)
    {
        try
        {
            return integrity.Verifies(row.Tag, RowPurpose, ContentOf(row.Name, row.Xml).Bytes);
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }

    private static RowContent ContentOf(string name, string xml) => new RowContent().Add(name).Add(xml);

    private static RowContent ContentOf(long revision, IReadOnlyList<KeyRingRow> rows) => rows
        .OrderBy(row => row.Name, StringComparer.Ordinal)
        .Aggregate(new RowContent().Add(revision).Add(rows.Count), (content, row) => content.Add(row.Name).Add(row.Tag));
}
