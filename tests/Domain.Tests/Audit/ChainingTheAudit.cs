using FsCheck;
using FsCheck.Fluent;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests.Audit;

public sealed class ChainingTheAudit
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, AuditChain.KeySize).Select(at => (byte)at)];
    private static readonly Guid Writer = new("01900000-0000-7000-8000-000000000001");
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Every field. The tests set each to a value that no generated event has, and optional fields also to null.</summary>
    public static TheoryData<string> Fields => new(
        "at", "actor", "action", "outcome", "owner kind", "owner id", "no owner", "secret id", "no secret id", "secret version",
        "no secret version", "key id", "no key id", "tool name", "no tool name", "tool arg", "no tool arg", "address", "no address", "request id",
        "no request id", "acting key", "acting token", "no credential", "context", "run", "tool call", "client request id", "left out", "none left out");

    [Fact]
    public void An_unchanged_chain_verifies() => Generated.ForAll(Chain(), events => Assert.Equal(events.Length, CountValid(Write(events))), 200);

    [Fact]
    public void A_chain_continues_after_its_last_row() => Generated.ForAll(
        from events in Chain()
        from at in Gen.Choose(0, events.Length)
        select (Events: events, At: at),
        given =>
        {
            var whole = Write(given.Events);
            var position = given.At == 0 ? AuditPosition.Start : PositionOf(whole[given.At - 1]);

            var rest = AuditChain.Continue(Key, Writer, position, given.Events[given.At..]);

            Assert.Equal(whole.Skip(given.At).Select(row => row.Hash), rest.Select(row => row.Hash));
        },
        200);

    [Theory]
    [MemberData(nameof(Fields))]
    public void An_edit_of_any_field_of_any_row_is_found(string field) => Generated.ForAll(
        from events in Chain()
        from at in Gen.Choose(0, events.Length - 1)
        select (Events: events, At: at),
        given =>
        {
            var rows = Write(given.Events);
            var before = given.Events[given.At];
            var after = Edit(before, field);
            Assert.NotEqual(before, after);

            rows[given.At] = Replace(rows[given.At], after);

            Assert.Equal(given.At, CountValid(rows));
        },
        100);

    [Fact]
    public void Absent_and_empty_fields_and_shifted_boundaries_hash_differently()
    {
        var plain = new AuditEvent { At = Noon, Actor = Guid.Empty, Action = AuditAction.SecretGet, Outcome = AuditOutcome.Denied };
        AuditEvent[] alike =
        [
            plain,
            plain with { ToolName = "" },
            plain with { ToolArg = "" },
            plain with { ToolName = "ab", ToolArg = "c" },
            plain with { ToolName = "a", ToolArg = "bc" },
            plain with { ToolName = "abc", ToolArg = "" },
            plain with { ToolName = "abc" },
            plain with { ToolArg = "abc" },
            plain with { Address = "abc" },
            plain with { RequestId = "abc" },
            plain with { ClientRequestId = "abc" },
            plain with { Context = new CallContext("abc", RunId: null, ToolCallId: null) },
            plain with { Context = new CallContext(AgentId: null, "abc", ToolCallId: null) },
            plain with { Context = new CallContext(AgentId: null, RunId: null, "abc") },
            plain with { By = Credential.OfToken("abc", "", Noon) },
            plain with { By = Credential.OfToken("", "abc", Noon) },
            plain with { By = Credential.OfKey(Guid.Empty, end: null) },
            plain with { SecretId = Guid.Empty },
            plain with { TargetKeyId = Guid.Empty },
            plain with { SecretVersion = 0 },
            plain with { LeftOut = 0 },
            plain with { Owner = new SecretOwner(OwnerKind.User, "") },
        ];

        var hashes = alike.Select(auditEvent => Convert.ToHexString(Write([auditEvent])[0].Hash));

        Assert.Equal(alike.Length, hashes.Distinct().Count());
    }

    [Fact]
    public void A_removed_inserted_or_moved_row_is_found() => Generated.ForAll(
        from events in Chain()
        from at in Gen.Choose(0, events.Length - 1)
        from to in Gen.Choose(0, events.Length - 1)
        select (Events: events, At: at, To: to),
        given =>
        {
            var rows = Write(given.Events).ToList();
            var last = PositionOf(rows[^1]);
            var moved = rows[given.At];

            rows.RemoveAt(given.At);
            Assert.False(IsValid(rows, last));
            rows.Insert(given.To, moved);
            Assert.Equal(given.At == given.To, IsValid(rows, last));
            rows = [.. Write(given.Events)];
            rows.Insert(given.At, moved);
            Assert.False(IsValid(rows, last));
        },
        200);

    [Fact]
    public void A_row_of_another_writer_or_key_does_not_continue_the_chain() => Generated.ForAll(
        Chain(),
        events =>
        {
            var other = Guid.CreateVersion7();

            Assert.False(AuditChain.Follows(Key, other, AuditPosition.Start, Write(events)[0]));
            Assert.False(AuditChain.Follows(Key, Writer, AuditPosition.Start, AuditChain.Continue(Key, other, AuditPosition.Start, events)[0]));
            Assert.False(AuditChain.Follows([.. Key.Reverse()], Writer, AuditPosition.Start, Write(events)[0]));
        },
        100);

    [Fact]
    public void A_MAC_of_one_purpose_is_invalid_for_another()
    {
        var position = new AuditPosition(3, [.. Enumerable.Repeat((byte)7, 32)]);
        byte[][] macs =
        [
            AuditChain.MacOfHead(Key, Writer, 1, position),
            AuditChain.MacOfHead(Key, Writer, 2, position),
            AuditChain.MacOfHead(Key, Guid.Empty, 1, position),
            AuditChain.MacOfHead(Key, Writer, 1, position with { Sequence = 2 }),
            AuditChain.MacOfHead(Key, Writer, 1, AuditPosition.Start with { Sequence = 3 }),
            AuditChain.MacOfHead(Key, Writer, 0, position),
            AuditChain.MacOfAnchor(Key, Writer, position),
            AuditChain.MacOfRegistry(Key, 1),
            AuditChain.MacOfRegistry(Key, 2),
        ];

        Assert.Equal(macs.Length, macs.Select(Convert.ToHexString).Distinct().Count());
    }

    [Fact]
    public void Timestamps_are_stored_in_whole_microseconds_of_UTC()
    {
        var at = new DateTimeOffset(2026, 1, 2, 14, 0, 0, TimeSpan.FromHours(2)).AddTicks(19);

        var kept = Plain() with { At = at };

        Assert.Equal(Noon.AddTicks(10), kept.At);
        Assert.Equal(TimeSpan.Zero, kept.At.Offset);
    }

    [Fact]
    public void Long_texts_are_cut_between_characters()
    {
        var cut = Plain() with
        {
            ToolName = new string('n', 5000),
            ToolArg = new string('a', AuditEvent.MaxNameLength - 1) + "\U0001F511",
            Address = new string('1', 65),
            RequestId = new string('r', 128),
        };

        Assert.Equal(AuditEvent.MaxNameLength, cut.ToolName!.Length);
        Assert.Equal(new string('a', AuditEvent.MaxNameLength - 1), cut.ToolArg);
        Assert.Equal(AuditEvent.MaxAddressLength, cut.Address!.Length);
        Assert.Equal(new string('r', 128), cut.RequestId);
    }

    [Fact]
    public void Names_of_actions_and_outcomes_survive_a_round_trip()
    {
        Assert.All(Enum.GetValues<AuditAction>(), action => Assert.Equal(action, AuditNames.ParseAction(AuditNames.For(action))));
        Assert.All(Enum.GetValues<AuditOutcome>(), outcome => Assert.Equal(outcome, AuditNames.ParseOutcome(AuditNames.For(outcome))));
        Assert.Equal(Enum.GetValues<AuditAction>().Length, AuditNames.Actions.Count);
        Assert.Equal("77", AuditNames.For((AuditAction)77));
        Assert.Null(AuditNames.ParseAction("secret.Create"));
        Assert.Null(AuditNames.ParseAction("77"));
        Assert.Null(AuditNames.ParseOutcome(""));
    }

    private static AuditEntry[] Write(IReadOnlyList<AuditEvent> events) => AuditChain.Continue(Key, Writer, AuditPosition.Start, events);

    private static AuditPosition PositionOf(AuditEntry row) => new(row.Sequence, row.Hash);

    /// <summary>The number of rows from the start that form a valid chain.</summary>
    private static int CountValid(IReadOnlyList<AuditEntry> rows)
    {
        var position = AuditPosition.Start;
        var count = 0;
        while (count < rows.Count && AuditChain.Follows(Key, Writer, position, rows[count]))
        {
            position = PositionOf(rows[count++]);
        }

        return count;
    }

    private static bool IsValid(IReadOnlyList<AuditEntry> rows, AuditPosition head) =>
        CountValid(rows) == rows.Count && rows.Count > 0 && rows[^1].Sequence == head.Sequence && rows[^1].Hash.SequenceEqual(head.Hash);

    /// <summary>Edits the columns of a row and keeps its hash.</summary>
    private static AuditEntry Replace(AuditEntry row, AuditEvent edited)
    {
        var replaced = new AuditEntry(row.Writer, row.Sequence, edited);
        typeof(AuditEntry).GetProperty(nameof(AuditEntry.Hash))!.SetValue(replaced, row.Hash);
        return replaced;
    }

    private static AuditEvent Edit(AuditEvent auditEvent, string field) => field switch
    {
        "at" => auditEvent with { At = auditEvent.At.AddMicroseconds(1) },
        "actor" => auditEvent with { Actor = new Guid("ffffffff-ffff-4fff-8fff-ffffffffffff") },
        "action" => auditEvent with { Action = auditEvent.Action + 256 },
        "outcome" => auditEvent with { Outcome = auditEvent.Outcome == AuditOutcome.Success ? AuditOutcome.Denied : AuditOutcome.Success },
        "owner kind" => auditEvent with { Owner = new SecretOwner(auditEvent.Owner?.Kind == OwnerKind.User ? OwnerKind.Organization : OwnerKind.User, auditEvent.Owner?.Id ?? "") },
        "owner id" => auditEvent with { Owner = new SecretOwner(auditEvent.Owner?.Kind ?? OwnerKind.User, auditEvent.Owner?.Id + "x") },
        "no owner" => auditEvent with { Owner = auditEvent.Owner is null ? new SecretOwner(OwnerKind.User, "") : null },
        "secret id" => auditEvent with { SecretId = new Guid("ffffffff-ffff-4fff-8fff-ffffffffffff") },
        "no secret id" => auditEvent with { SecretId = auditEvent.SecretId is null ? Guid.Empty : null },
        "secret version" => auditEvent with { SecretVersion = (auditEvent.SecretVersion ?? 0) + 1 },
        "no secret version" => auditEvent with { SecretVersion = auditEvent.SecretVersion is null ? 0 : null },
        "key id" => auditEvent with { TargetKeyId = new Guid("ffffffff-ffff-4fff-8fff-ffffffffffff") },
        "no key id" => auditEvent with { TargetKeyId = auditEvent.TargetKeyId is null ? Guid.Empty : null },
        "acting key" => auditEvent with { By = Credential.OfKey(new Guid("ffffffff-ffff-4fff-8fff-ffffffffffff"), end: null) },
        "acting token" => auditEvent with { By = Credential.OfToken(auditEvent.By?.Token?.Issuer ?? "", auditEvent.By?.Token?.Subject + "x", Noon) },
        "no credential" => auditEvent with { By = auditEvent.By is null ? Credential.OfKey(Guid.Empty, end: null) : null },
        "context" => auditEvent with { Context = new CallContext(auditEvent.Context?.AgentId + "x", auditEvent.Context?.RunId, auditEvent.Context?.ToolCallId) },
        "run" => auditEvent with { Context = new CallContext(auditEvent.Context?.AgentId, auditEvent.Context?.RunId + "x", auditEvent.Context?.ToolCallId) },
        "tool call" => auditEvent with { Context = new CallContext(auditEvent.Context?.AgentId, auditEvent.Context?.RunId, auditEvent.Context?.ToolCallId + "x") },
        "client request id" => auditEvent with { ClientRequestId = auditEvent.ClientRequestId + "x" },
        "left out" => auditEvent with { LeftOut = (auditEvent.LeftOut ?? 0) + 1 },
        "none left out" => auditEvent with { LeftOut = auditEvent.LeftOut is null ? 0 : null },
        "tool name" => auditEvent with { ToolName = auditEvent.ToolName + "x" },
        "no tool name" => auditEvent with { ToolName = auditEvent.ToolName is null ? "" : null },
        "tool arg" => auditEvent with { ToolArg = auditEvent.ToolArg + "x" },
        "no tool arg" => auditEvent with { ToolArg = auditEvent.ToolArg is null ? "" : null },
        "address" => auditEvent with { Address = auditEvent.Address + "x" },
        "no address" => auditEvent with { Address = auditEvent.Address is null ? "" : null },
        "request id" => auditEvent with { RequestId = auditEvent.RequestId + "x" },
        "no request id" => auditEvent with { RequestId = auditEvent.RequestId is null ? "" : null },
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };

    private static AuditEvent Plain() => new() { At = Noon, Actor = Guid.Empty, Action = AuditAction.SecretGet, Outcome = AuditOutcome.Success };

    private static Gen<AuditEvent[]> Chain() =>
        from count in Gen.Choose(1, 8)
        from events in Event().ArrayOf(count)
        select events;

    private static Gen<AuditEvent> Event() =>
        from minutes in Gen.Choose(0, 100_000)
        from action in Gen.Elements(Enum.GetValues<AuditAction>())
        from outcome in Gen.Elements(Enum.GetValues<AuditOutcome>())
        from kind in Gen.Elements(Enum.GetValues<OwnerKind>())
        from owner in OrNull(Generated.Text(1, 20))
        from version in Gen.Choose(-1, 5)
        from ids in Gen.Choose(0, 3)
        from texts in OrNull(Generated.Text(0, 12)).ArrayOf(8)
        select new AuditEvent
        {
            At = Noon.AddMinutes(minutes),
            Actor = Guid.NewGuid(),
            Action = action,
            Outcome = outcome,
            Owner = owner is null ? null : new SecretOwner(kind, owner),
            SecretId = ids % 2 == 0 ? null : Guid.NewGuid(),
            SecretVersion = version < 0 ? null : version,
            TargetKeyId = ids < 2 ? null : Guid.NewGuid(),
            ToolName = texts[0],
            ToolArg = texts[1],
            Address = texts[2],
            RequestId = texts[3],
            ClientRequestId = texts[4],
            LeftOut = version < 0 ? null : 5 - version,
            By = ids switch { 0 => null, 1 => Credential.OfKey(Guid.NewGuid(), end: null), _ => Credential.OfToken(texts[0] ?? "", texts[1] ?? "", Noon) },
            Context = texts[5] is null ? null : new CallContext(texts[5], texts[6], texts[7]),
        };

    private static Gen<string?> OrNull(Gen<string> texts) => Gen.Frequency((1, Gen.Constant((string?)null)), (2, texts.Select(text => (string?)text)));
}
