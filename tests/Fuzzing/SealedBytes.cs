using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;
using Secrets.Tests;

namespace Secrets.Fuzzing.Tests;

/// <summary>
/// The reader of envelopes. Each envelope has its own nonce, so an input describes edits of a valid envelope: a placement, a value, and edits of
/// three bytes each. Only the unchanged envelope opens, and only in its own placement.
/// </summary>
internal sealed class SealedBytes : IFuzzTarget
{
    private static readonly Guid Id = new("7f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e");
    private static readonly Guid KeyId = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(at => (byte)at)];

    private static readonly Placement Own = new(
        SecretOwner.User(Id), Id, "name", new ToolBinding("tool", "arg", IsDefault: true), new WorkspaceAccess(WorkspaceRule.Some, ["one", "two"]), Version: 1);

    private static readonly Placement[] Placements =
    [
        Own,
        Own with { Version = 2 },
        Own with { Name = "nam" },
        Own with { Name = "namet", Binding = Own.Binding with { ToolName = "ool" } },
        Own with { SecretId = KeyId },
        Own with { Owner = SecretOwner.User(KeyId) },
        Own with { Owner = new SecretOwner(OwnerKind.Organization, Own.Owner.Id) },
        Own with { Binding = new ToolBinding("tool", "arg", IsDefault: false) },
        Own with { Binding = new ToolBinding("tool", null, IsDefault: false) },
        Own with { Binding = new ToolBinding("", "toolarg", IsDefault: true) },
        Own with { Workspaces = new WorkspaceAccess(WorkspaceRule.Some, ["onetwo"]) },
        Own with { Workspaces = new WorkspaceAccess(WorkspaceRule.Some, ["two", "one"]) },
        Own with { Workspaces = WorkspaceAccess.All },
    ];

    private static readonly string[] Texts = ["", "a value", new('x', 1_024), "\U0001F511 \u0000 é"];

    private readonly byte[][] _sealed = [.. Texts.Select(value => Envelope.Seal(KeyId, Key, Own, Values.Of(value)))];

    public string Name => "envelopes";

    public IReadOnlyList<byte[]> Dictionary { get; } = [[0], [1, 0, 0], [2, 0, 1], [3, 44, 0], [4, 17, 8], [5, 0, 0], [0, 0, 1]];

    public IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. Enumerable.Range(0, Texts.Length).Select(value => new[] { (byte)0, (byte)value }),
        .. Enumerable.Range(0, Placements.Length).Select(placement => new[] { (byte)placement, (byte)1 }),
    ];

    public Task<string> TryAsync(byte[] input)
    {
        var placement = input.Length > 0 ? input[0] % Placements.Length : 0;
        var value = input.Length > 1 ? input[1] % Texts.Length : 0;
        var envelope = _sealed[value].ToList();
        for (var at = 2; at + 2 < input.Length; at += 3)
        {
            Edit(envelope, input[at] % 6, input[at + 1], input[at + 2]);
        }

        byte[] bytes = [.. envelope];
        var sound = Array.FindIndex(_sealed, one => one.AsSpan().SequenceEqual(bytes));
        var opened = Envelope.Open(Key, Placements[placement], bytes);
        var resealed = Envelope.Reseal(Key, Placements[placement], bytes, Id, Key);
        if (placement == 0 && sound >= 0)
        {
            Assert.Equal(Texts[sound], opened?.Text());
            Assert.Equal(Texts[sound], Envelope.Open(Key, Own, resealed)?.Text());
        }
        else
        {
            Assert.True(opened is null && resealed is null, "opened");
        }

        Assert.Null(Envelope.Open(new byte[32], Placements[placement], bytes));
        return Task.FromResult($"{placement == 0} {value} {Envelope.KeyIdOf(bytes) is null} {Envelope.KeyIdOf(bytes) == KeyId} {Length(bytes.Length, value)} {sound}");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void Edit(List<byte> bytes, int operation, byte place, byte argument)
    {
        if (bytes.Count == 0)
        {
            return;
        }

        var at = place % bytes.Count;
        switch (operation)
        {
            case 0:
                bytes[at] ^= argument;
                break;
            case 1:
                bytes.Insert(at, argument);
                break;
            case 2:
                bytes.RemoveRange(at, Math.Min(argument, bytes.Count - at));
                break;
            case 3:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 4:
                bytes.InsertRange(at, bytes.GetRange(at, Math.Min(argument, bytes.Count - at)));
                break;
            default:
                var other = argument % bytes.Count;
                (bytes[at], bytes[other]) = (bytes[other], bytes[at]);
                break;
        }
    }

    /// <summary>The part in which an envelope of <paramref name="length"/> bytes ends.</summary>
    private string Length(int length, int value) => length switch
    {
        0 => "empty",
        < 17 => "header",
        17 => "no box",
        < 17 + AesGcmBox.Overhead => "box",
        17 + AesGcmBox.Overhead => "no text",
        _ => $"{length.CompareTo(_sealed[value].Length)}",
    };
}
