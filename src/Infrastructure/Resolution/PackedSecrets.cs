using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Secrets.Domain.Resolution;

namespace Secrets.Infrastructure.Resolution;

/// <summary>
/// Packs the sealed secrets of one owner into a single array. The array takes a quarter of the memory that an object for each secret would take, so that a
/// million secrets fit. <see cref="Find"/> filters by hash keys only; the selection decides which candidates match.
/// </summary>
internal static class PackedSecrets
{
    // The header of each secret: the keys of name, tool and argument, and the length of the content.
    private const int HeaderSize = (3 * sizeof(ushort)) + sizeof(int);

    // Stands for no key. As tool key: the secret has a pattern, which any tool may match. As argument key: the secret is not a default.
    private const ushort NoKey = 0;

    [Flags]
    private enum Members : byte
    {
        None = 0,
        Default = 1,
        Tool = 2,
        Argument = 4,
    }

    public static byte[] Pack(IReadOnlyList<Candidate> secrets)
    {
        var (all, content) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
        foreach (var secret in secrets)
        {
            content.ResetWrittenCount();
            Write(content, secret);
            var (tool, argument, isDefault) = secret.Placement.Binding;
            WriteKey(all, KeyOf(secret.Placement.Name));
            WriteKey(all, secret.Pattern is { WildcardCount: 0 } ? KeyOf(tool!) : NoKey);
            WriteKey(all, isDefault && argument is not null ? KeyOf(argument) : NoKey);
            BinaryPrimitives.WriteInt32LittleEndian(all.GetSpan(sizeof(int)), content.WrittenCount);
            all.Advance(sizeof(int));
            all.Write(content.WrittenSpan);
        }

        return all.WrittenSpan.ToArray();
    }

    /// <summary>All candidates for a call, and possibly others with the same keys.</summary>
    public static OwnerCandidates Find(byte[] packed, SecretOwner owner, ToolCall call)
    {
        var tool = KeyOf(call.ToolName);
        var arguments = call.Arguments?.Select(KeyOf).ToArray();
        var names = call.References.Count == 0 ? [] : call.References.Values.Select(KeyOf).ToArray();
        var found = new List<Candidate>();
        for (var at = 0; at < packed.Length;)
        {
            var header = packed.AsSpan(at);
            var (name, ofTool, ofArgument, length) = (KeyAt(header, 0), KeyAt(header, 1), KeyAt(header, 2), LengthAt(header));
            if ((ofArgument != NoKey && (ofTool == NoKey || ofTool == tool) && (arguments is null || arguments.AsSpan().Contains(ofArgument)))
                || names.AsSpan().Contains(name))
            {
                found.Add(Read(packed.AsMemory(at + HeaderSize, length), owner));
            }

            at += HeaderSize + length;
        }

        return found.Count == 0 ? OwnerCandidates.None : new OwnerCandidates(found);
    }

    public static IEnumerable<Candidate> ReadAll(byte[] packed, SecretOwner owner)
    {
        for (var at = 0; at < packed.Length; at += HeaderSize + LengthAt(packed.AsSpan(at)))
        {
            yield return Read(packed.AsMemory(at + HeaderSize, LengthAt(packed.AsSpan(at))), owner);
        }
    }

    // A collision costs one comparison in the selection. The hash is seeded per process, so nobody can craft collisions.
    private static ushort KeyOf(string text) => (ushort)(1 + ((uint)StringComparer.Ordinal.GetHashCode(text) % ushort.MaxValue));

    private static ushort KeyAt(ReadOnlySpan<byte> packed, int place) => BinaryPrimitives.ReadUInt16LittleEndian(packed[(place * sizeof(ushort))..]);

    private static int LengthAt(ReadOnlySpan<byte> packed) => BinaryPrimitives.ReadInt32LittleEndian(packed[(3 * sizeof(ushort))..]);

    private static void WriteKey(ArrayBufferWriter<byte> bytes, ushort key)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.GetSpan(sizeof(ushort)), key);
        bytes.Advance(sizeof(ushort));
    }

    private static void Write(ArrayBufferWriter<byte> bytes, Candidate secret)
    {
        var (_, id, name, (tool, argument, isDefault), workspaces, version) = secret.Placement;
        var members = (isDefault ? Members.Default : Members.None)
            | (tool is not null ? Members.Tool : Members.None)
            | (argument is not null ? Members.Argument : Members.None);
        bytes.Write([(byte)members]);
        id.TryWriteBytes(bytes.GetSpan(16));
        bytes.Advance(16);
        WriteNumber(bytes, version);
        WriteText(bytes, name);
        if (tool is not null)
        {
            WriteText(bytes, tool);
        }

        if (argument is not null)
        {
            WriteText(bytes, argument);
        }

        WriteNumber(bytes, (int)workspaces.Rule);
        WriteNumber(bytes, workspaces.Names.Count);
        foreach (var workspace in workspaces.Names)
        {
            WriteText(bytes, workspace);
        }

        bytes.Write(secret.Envelope.Span);
    }

    private static Candidate Read(ReadOnlyMemory<byte> bytes, SecretOwner owner)
    {
        var reader = new Reader(bytes.Span);
        var members = (Members)reader.Bytes(1)[0];
        var id = new Guid(reader.Bytes(16));
        var version = reader.Number();
        var name = reader.Text();
        var tool = members.HasFlag(Members.Tool) ? reader.Text() : null;
        var argument = members.HasFlag(Members.Argument) ? reader.Text() : null;
        var rule = (WorkspaceRule)reader.Number();
        var workspaces = new string[reader.Number()];
        for (var at = 0; at < workspaces.Length; at++)
        {
            workspaces[at] = reader.Text();
        }

        var binding = new ToolBinding(tool, argument, members.HasFlag(Members.Default));
        return new Candidate(new Placement(owner, id, name, binding, AccessOf(rule, workspaces), version), bytes[(bytes.Length - reader.Rest.Length)..]);
    }

    private static WorkspaceAccess AccessOf(WorkspaceRule rule, string[] workspaces) =>
        rule == WorkspaceRule.All ? WorkspaceAccess.All : new WorkspaceAccess(rule, workspaces);

    // Seven bits per byte, lowest first. The eighth bit marks that more bytes follow.
    private static void WriteNumber(ArrayBufferWriter<byte> bytes, int number)
    {
        var rest = (uint)number;
        for (; rest > 0x7F; rest >>= 7)
        {
            bytes.Write([(byte)(rest | 0x80)]);
        }

        bytes.Write([(byte)rest]);
    }

    private static void WriteText(ArrayBufferWriter<byte> bytes, string text)
    {
        WriteNumber(bytes, Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, bytes);
    }

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        public ReadOnlySpan<byte> Rest { get; private set; } = bytes;

        public ReadOnlySpan<byte> Bytes(int count)
        {
            var taken = Rest[..count];
            Rest = Rest[count..];
            return taken;
        }

        public int Number()
        {
            var (number, shift) = (0u, 0);
            while (true)
            {
                var next = Bytes(1)[0];
                number |= (next & 0x7Fu) << shift;
                if (next <= 0x7F)
                {
                    return (int)number;
                }

                shift += 7;
            }
        }

        public string Text() => Encoding.UTF8.GetString(Bytes(Number()));
    }
}
