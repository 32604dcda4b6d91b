using System.Text;
using Secrets.Application.Encryption;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>
/// The rows of the installation's keys under one state: key ring, integrity keys, and rotation requests. Methods return the changed records, which are stored
/// as a whole; some change rows in place.
/// </summary>
/// <param name="State">Revision and tag, which cover all other rows.</param>
/// <param name="Ring">The key ring.</param>
/// <param name="Rotations">Requested and finished rotations, one for each layer.</param>
/// <param name="IntegrityRows">The encrypted integrity keys.</param>
/// <param name="IntegrityKeys">The decrypted integrity keys.</param>
internal sealed record KeyRecords(
    KeyStateRow State,
    IReadOnlyList<KeyRingRow> Ring,
    IReadOnlyList<KeyRotationRow> Rotations,
    IReadOnlyList<IntegrityKeyRow> IntegrityRows,
    IReadOnlyList<IntegrityKey> IntegrityKeys)
{
    private const string RingPurpose = "key_ring/row";
    private const string StatePurpose = "key_state";
    private const long FirstRevision = 1;

    private IntegrityKey Newest => IntegrityKeys.MaxBy(key => key.Number) ?? throw new TamperedException("There is no integrity key.");

    /// <inheritdoc cref="KeyStateRow.UserIssuer" />
    public string? UserIssuer => State.UserIssuer;

    /// <summary>The records of a new installation: an integrity key and an empty ring.</summary>
    public static KeyRecords Initial(IntegrityKey key, byte[] wrapped) => new(
        new KeyStateRow { Id = KeyStateRow.OnlyId, Revision = 0, Tag = [] }, [], [], [new IntegrityKeyRow { Number = key.Number, Wrapped = wrapped }], [key]);

    /// <summary>Finds the last rotation of a layer; null if none was requested yet.</summary>
    public KeyRotationRow? Find(KeyLayer layer) => Rotations.FirstOrDefault(row => row.Layer == layer);

    /// <summary>Adds a key to the ring.</summary>
    public KeyRecords WithRingKey(string name, string xml) => this with { Ring = [.. Ring, new KeyRingRow { Name = name, Xml = xml, Tag = TagOf(name, xml) }] };

    /// <summary>Removes ring keys made before this moment. Returns null if that would remove none or all of them.</summary>
    public KeyRecords? WithoutRingKeysBefore(DateTimeOffset moment) =>
        Ring.Where(row => RingKeys.DateOf(row) >= moment).ToList() is { Count: > 0 } left && left.Count < Ring.Count ? this with { Ring = left } : null;

    /// <summary>Adds an integrity key and computes all tags with it.</summary>
    public KeyRecords WithIntegrityKey(IntegrityKey key, byte[] wrapped)
    {
        var records = this with { IntegrityRows = [.. IntegrityRows, new IntegrityKeyRow { Number = key.Number, Wrapped = wrapped }], IntegrityKeys = [.. IntegrityKeys, key] };
        foreach (var row in Ring)
        {
            row.Tag = records.TagOf(row.Name, row.Xml);
        }

        return records;
    }

    /// <summary>Removes all integrity keys but the newest. Returns null if there is only one.</summary>
    public KeyRecords? WithNewestIntegrityKey() =>
        IntegrityRows.Count > 1 ? this with { IntegrityRows = [.. IntegrityRows.Where(row => row.Number == Newest.Number)], IntegrityKeys = [Newest] } : null;

    /// <summary>Requests replacement of a layer's keys made before this moment.</summary>
    public KeyRecords WithRequest(KeyLayer layer, DateTimeOffset moment)
    {
        if (Find(layer) is { } row)
        {
            (row.RequestedAt, row.FinishedAt) = (moment, null);
            return this;
        }

        return this with { Rotations = [.. Rotations, new KeyRotationRow { Layer = layer, RequestedAt = moment }] };
    }

    /// <summary>Marks a rotation as finished.</summary>
    public KeyRecords WithFinish(KeyRotationRow request, DateTimeOffset moment)
    {
        request.FinishedAt = moment;
        return this;
    }

    /// <summary>Sets the issuer that turns user names into ids.</summary>
    public KeyRecords WithUserIssuer(string issuer)
    {
        State.UserIssuer = issuer;
        return this;
    }

    /// <summary>Replaces the content of a ring entry.</summary>
    public void Replace(KeyRingRow row, string xml) => (row.Xml, row.Tag) = (xml, TagOf(row.Name, xml));

    /// <summary>Gives the state its next revision and computes the tag over all rows.</summary>
    public void Advance()
    {
        State.Revision = State.Revision == 0 ? FirstRevision : Versions.After(State.Revision);
        State.Tag = Newest.Tag(StatePurpose, Content().Bytes);
    }

    /// <summary>Verifies that the service wrote each row and that the rows belong to the state.</summary>
    /// <exception cref="TamperedException">A row does not verify.</exception>
    public void RequireVerified()
    {
        if (Ring.FirstOrDefault(row => !IsVerified(row)) is { } forged)
        {
            throw new TamperedException($"The entry {TamperedException.Quote(forged.Name)} of the key ring was not written by this service, or was changed since.");
        }

        if (Ring.Count == 0 || !Newest.Verifies(State.Tag, StatePurpose, Content().Bytes))
        {
            throw new TamperedException($"The rows of the keys are not those of revision {State.Revision}: a row was added, changed, removed or restored.");
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

    /// <summary>The content under the state's tag: all rows. A ring entry is represented by its own tag.</summary>
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
