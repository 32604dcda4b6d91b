using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Unicode;

namespace Secrets.Bench;

/// <summary>A user of the service, and the key that it sends.</summary>
internal sealed record Owner(Guid UserId, string Key);

/// <summary>A secret that the service holds.</summary>
internal readonly record struct Stored(Owner Owner, Guid Id);

/// <summary>Requests of one kind, written as bytes, and what is to be learned from their answers.</summary>
internal abstract class Workload
{
    /// <summary>What every answer must have.</summary>
    public virtual int Status => 200;

    /// <summary>Writes the next request; 0 when there is none left.</summary>
    /// <param name="into">Where to.</param>
    /// <param name="random">A number of this connection's own, for choices.</param>
    public abstract int Next(Span<byte> into, uint random);

    /// <summary>Takes note of the body of an answer with that status.</summary>
    public virtual void Take(ReadOnlySpan<byte> body)
    {
    }

    protected static int Written(bool fits, int length) =>
        fits ? length : throw new BenchException("A request is larger than the buffer for it.");
}

/// <summary>Makes the API keys of the owners.</summary>
internal sealed class MakeOwners(string bootstrapKey, int count) : Workload
{
    private int _next;

    public ConcurrentBag<Owner> Made { get; } = [];

    public override int Next(Span<byte> into, uint random)
    {
        if (Interlocked.Increment(ref _next) > count) return 0;
        var body = $$"""{"name":"bench","user_id":"{{Guid.NewGuid()}}","scopes":["secrets:read","secrets:write"]}""";
        return Written(
            Utf8.TryWrite(
                into,
                $"POST /api/v1/api-keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bootstrapKey}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}",
                out var length),
            length);
    }

    public override void Take(ReadOnlySpan<byte> body) =>
        Made.Add(new Owner(Json.Id(body, "\"user_id\":\""u8), Encoding.ASCII.GetString(Json.Text(body, "\"key\":\""u8))));
}

/// <summary>Stores secrets that are a default for a tool of their own: the kind of create that touches every index.</summary>
internal sealed class Create(IReadOnlyList<Owner> owners, string series, long count = long.MaxValue, bool inTurn = false) : Workload
{
    private readonly Dictionary<Guid, Owner> _ownerOf = owners.ToDictionary(owner => owner.UserId);
    private readonly ConcurrentBag<Stored> _made = [];
    private long _next;

    /// <summary>What was stored.</summary>
    public IReadOnlyCollection<Stored> Made => _made;

    public override int Next(Span<byte> into, uint random)
    {
        var number = Interlocked.Increment(ref _next);
        if (number > count) return 0;
        var owner = owners[(int)((inTurn ? number : random) % owners.Count)];
        var body =
            $$"""{"secret_name":"bench-{{series}}-{{number:D8}}","secret_value":"lin_api_0123456789abcdefghijklmnopqrstuv{{number:D8}}","tool_name":"bench__{{series}}_{{number:D8}}","tool_arg":"api_token","is_default_for_tool":true}""";
        return Written(
            Utf8.TryWrite(
                into,
                $"POST /api/v1/secrets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {owner.Key}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}",
                out var length),
            length);
    }

    public override void Take(ReadOnlySpan<byte> body) =>
        _made.Add(new Stored(_ownerOf[Json.Id(body, "\"user_id\":\""u8)], Json.Id(body, "\"secret_id\":\""u8)));
}

/// <summary>Looks at one secret.</summary>
internal sealed class Get(IReadOnlyList<Stored> stored) : Workload
{
    public override int Next(Span<byte> into, uint random)
    {
        var (owner, id) = stored[(int)(random % stored.Count)];
        return Written(
            Utf8.TryWrite(
                into, $"GET /api/v1/secrets/{id} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {owner.Key}\r\n\r\n", out var length),
            length);
    }
}

/// <summary>Lists secrets of an owner; every answer must hold ten.</summary>
internal sealed class List(IReadOnlyList<Owner> owners, string query) : Workload
{
    private const int Expected = 10;

    public override int Next(Span<byte> into, uint random)
    {
        var owner = owners[(int)(random % owners.Count)];
        return Written(
            Utf8.TryWrite(
                into, $"GET /api/v1/secrets{query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {owner.Key}\r\n\r\n", out var length),
            length);
    }

    public override void Take(ReadOnlySpan<byte> body)
    {
        var held = body.Count("\"secret_id\":"u8);
        if (held != Expected) throw new BenchException($"A list holds {held} secrets and not {Expected}.");
    }
}

/// <summary>Deletes secrets, each once.</summary>
internal sealed class Delete(IReadOnlyCollection<Stored> stored) : Workload
{
    private readonly ConcurrentQueue<Stored> _left = new(stored);

    public override int Next(Span<byte> into, uint random) =>
        _left.TryDequeue(out var next)
            ? Written(
                Utf8.TryWrite(
                    into,
                    $"DELETE /api/v1/secrets/{next.Id} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {next.Owner.Key}\r\n\r\n",
                    out var length),
                length)
            : 0;
}

/// <summary>Reads single members of an answer whose form is known.</summary>
internal static class Json
{
    /// <summary>The text that follows, up to the next quotation mark.</summary>
    public static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> json, ReadOnlySpan<byte> member)
    {
        var start = json.IndexOf(member);
        if (start < 0) throw new BenchException($"An answer lacks {Encoding.UTF8.GetString(member)}: {Encoding.UTF8.GetString(json)}");
        var rest = json[(start + member.Length)..];
        return rest[..rest.IndexOf((byte)'"')];
    }

    public static Guid Id(ReadOnlySpan<byte> json, ReadOnlySpan<byte> member) =>
        Utf8Parser.TryParse(Text(json, member), out Guid id, out _) ? id : throw new BenchException("An answer holds an id that is none.");
}
