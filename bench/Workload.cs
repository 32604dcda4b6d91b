using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Unicode;

namespace Secrets.Bench;

/// <summary>A user of the service, with its API key.</summary>
internal sealed record Owner(Guid UserId, string Key);

/// <summary>A stored secret.</summary>
internal readonly record struct Stored(Owner Owner, Guid Id);

/// <summary>Requests of one kind, written as bytes, and the handling of their responses.</summary>
internal abstract class Workload
{
    /// <summary>The expected status of every response.</summary>
    public virtual int Status => 200;

    /// <summary>Writes the next request and returns its length; 0: the workload has ended.</summary>
    /// <param name="into">The buffer.</param>
    /// <param name="random">A random number of this connection.</param>
    public abstract int Next(Span<byte> into, uint random);

    /// <summary>Handles the body of an expected response.</summary>
    public virtual void Take(ReadOnlySpan<byte> body)
    {
    }

    protected static int Written(bool fits, int length) =>
        fits ? length : throw new BenchException("A request is larger than its buffer.");
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

/// <summary>Stores secrets that are each the default of a separate tool. Such a create touches every index.</summary>
internal sealed class Create(IReadOnlyList<Owner> owners, string series, long count = long.MaxValue, bool inTurn = false) : Workload
{
    private readonly Dictionary<Guid, Owner> _ownerOf = owners.ToDictionary(owner => owner.UserId);
    private readonly ConcurrentBag<Stored> _made = [];
    private long _next;

    /// <summary>The stored secrets.</summary>
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

/// <summary>Reads one secret.</summary>
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

/// <summary>Lists secrets of an owner. Every response must have ten.</summary>
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
        if (held != Expected) throw new BenchException($"A list has {held} secrets and not {Expected}.");
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

/// <summary>Reads single members of a response with a known form.</summary>
internal static class Json
{
    /// <summary>The text after a member name, up to the next quotation mark.</summary>
    public static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> json, ReadOnlySpan<byte> member)
    {
        var start = json.IndexOf(member);
        if (start < 0) throw new BenchException($"A response lacks {Encoding.UTF8.GetString(member)}: {Encoding.UTF8.GetString(json)}");
        var rest = json[(start + member.Length)..];
        return rest[..rest.IndexOf((byte)'"')];
    }

    public static Guid Id(ReadOnlySpan<byte> json, ReadOnlySpan<byte> member) =>
        Utf8Parser.TryParse(Text(json, member), out Guid id, out _) ? id : throw new BenchException("A response has an invalid id.");
}
