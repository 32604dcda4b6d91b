using System.Text;
using Secrets.Application.Encryption;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>
/// The rows of the installation's keys, which one state covers: key ring, integrity keys, and which of the keys are to be replaced. Every change makes another, to be stored as a whole.
/// </summary>
/// <param name="State">Says which rows are the current ones.</param>
/// <param name="Ring">The key ring.</param>
/// <param name="Rotations">Layers whose keys are to be replaced, or were.</param>
/// <param name="IntegrityRows">The integrity keys.</param>
/// <param name="IntegrityKeys">The same, opened.</param>
internal sealed record KeyRecords(
    KeyStateRow State,
    IReadOnlyList<KeyRingRow> Ring,
    IReadOnlyList<KeyRotationRow> Rotations,
    IReadOnlyList<IntegrityKeyRow> IntegrityRows,
    IReadOnlyList<IntegrityKey> IntegrityKeys)
{
    private const string RingPurpose = "key_ring/row";
    private const string StatePurpose = "key_state";

    private IntegrityKey Newest => IntegrityKeys.MaxBy(key => key.Number) ?? throw new TamperedException("There is no integrity key.");

    /// <inheritdoc cref="KeyStateRow.UserIssuer" />
    public string? UserIssuer => State.UserIssuer;

    /// <summary>An integrity key and an empty ring.</summary>
    public static KeyRecords Initial(IntegrityKey key, byte[] wrapped) => new(
        new KeyStateRow { Id = KeyStateRow.OnlyId, Revision = 0, Tag = [] }, [], [], [new IntegrityKeyRow { Number = key.Number, Wrapped = wrapped }], [key]);

    /// <summary>Whether a layer's keys are to be replaced, and were; null: nobody asked for it yet.</summary>
    public KeyRotationRow? Find(KeyLayer layer) => Rotations.FirstOrDefault(row => row.Layer == layer);

    /// <summary>These, and a new key of the ring.</summary>
    public KeyRecords WithRingKey(string name, string xml) => this with { Ring = [.. Ring, new KeyRingRow { Name = name, Xml = xml, Tag = TagOf(name, xml) }] };

    /// <summary>These without the keys of the ring that were made before then; null: there is none, or there is no other.</summary>
    public KeyRecords? WithoutRingKeysBefore(DateTimeOffset moment) =>
        Ring.Where(row => RingKeys.DateOf(row) >= moment).ToList() is { Count: > 0 } left && left.Count < Ring.Count ? this with { Ring = left } : null;

    /// <summary>These, and a new integrity key, with which all tags are made anew.</summary>
    public KeyRecords WithIntegrityKey(IntegrityKey key, byte[] wrapped)
    {
        var records = this with { IntegrityRows = [.. IntegrityRows, new IntegrityKeyRow { Number = key.Number, Wrapped = wrapped }], IntegrityKeys = [.. IntegrityKeys, key] };
        foreach (var row in Ring)
        {
            row.Tag = records.TagOf(row.Name, row.Xml);
        }

        return records;
    }

    /// <summary>These without the integrity keys before the newest; null: there is none.</summary>
    public KeyRecords? WithNewestIntegrityKey() =>
        IntegrityRows.Count > 1 ? this with { IntegrityRows = [.. IntegrityRows.Where(row => row.Number == Newest.Number)], IntegrityKeys = [Newest] } : null;

    /// <summary>These, with the keys of a layer to be replaced that were made before then.</summary>
    public KeyRecords WithRequest(KeyLayer layer, DateTimeOffset moment)
    {
        if (Find(layer) is { } row)
        {
            (row.RequestedAt, row.FinishedAt) = (moment, null);
            return this;
        }

        return this with { Rotations = [.. Rotations, new KeyRotationRow { Layer = layer, RequestedAt = moment }] };
    }

    /// <summary>These, with that request done at that moment.</summary>
    public KeyRecords WithFinish(KeyRotationRow request, DateTimeOffset moment)
    {
        request.FinishedAt = moment;
        return this;
    }

    /// <summary>These, with names of users turned into ids with that issuer from now on.</summary>
    public KeyRecords WithUserIssuer(string issuer)
    {
        State.UserIssuer = issuer;
        return this;
    }

    /// <summary>Gives an entry of the ring another content.</summary>
    public void Replace(KeyRingRow row, string xml) => (row.Xml, row.Tag) = (xml, TagOf(row.Name, xml));

    /// <summary>Moves the state on: these are the rows now.</summary>
    public void Advance()
    {
        State.Revision++;
        State.Tag = Newest.Tag(StatePurpose, Content().Bytes);
    }

    /// <summary>Sees that the service wrote each row, and that they are those of the state.</summary>
    /// <exception cref="TamperedException">It is not so.</exception>
    public void RequireVerified()
    {
        if (Ring.FirstOrDefault(row => !IsVerified(row)) is { } forged)
        {
            throw new TamperedException($"The entry {TamperedException.Quote(forged.Name)} of the key ring was not written by this service, or was changed since.");
        }

        if (Ring.Count == 0 || !Newest.Verifies(State.Tag, StatePurpose, Content().Bytes))
        {
            throw new TamperedException($"The rows of the keys are not those of revision {State.Revision}: one was added, changed, removed or put back.");
        }
    }

    private bool IsVerified(KeyRingRow row)
    {
        try
        {
            return Newest.Verifies(row.Tag, RingPurpose, ContentOf(row.Name, row.Xml).Bytes);
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }

    private byte[] TagOf(string name, string xml) => Newest.Tag(RingPurpose, ContentOf(name, xml).Bytes);

    private static RowContent ContentOf(string name, string xml) => new RowContent().Add(name).Add(xml);

    /// <summary>What the state's tag covers: everything, of a ring's entry by its tag.</summary>
    private RowContent Content()
    {
        var content = new RowContent().Add(State.Revision).AddOptional(State.UserIssuer).Add(Ring.Count);
        foreach (var row in Ring.OrderBy(row => row.Name, StringComparer.Ordinal))
        {
            content.Add(row.Name).Add(row.Tag);
        }

        content.Add(Rotations.Count);
        foreach (var row in Rotations.OrderBy(row => row.Layer))
        {
            content.Add((long)row.Layer).Add(row.RequestedAt).AddOptional(row.FinishedAt);
        }

        content.Add(IntegrityRows.Count);
        foreach (var row in IntegrityRows.OrderBy(row => row.Number))
        {
            content.Add(row.Number).Add(row.Wrapped);
        }

        return content;
    }
}
