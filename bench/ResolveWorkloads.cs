using System.Text.Unicode;

namespace Secrets.Bench;

/// <summary>Stores, for each owner, nine defaults for a tool each and one for a pattern that matches them all, for the same argument.</summary>
internal sealed class StoreDefaults(IReadOnlyList<Owner> owners) : Workload
{
    /// <summary>Secrets of an owner.</summary>
    public const int Each = 10;

    /// <summary>Tools for which there is a default by name.</summary>
    public const int Tools = Each - 1;

    private long _next = -1;

    public override int Next(Span<byte> into, uint random)
    {
        var number = Interlocked.Increment(ref _next);
        if (number >= (long)owners.Count * Each) return 0;
        var (owner, place) = (owners[(int)(number % owners.Count)], number / owners.Count);
        var tool = place < Tools ? $"bench__tool_{place}" : "bench__*";
        var body =
            $$"""{"secret_name":"bench secret {{place}}","secret_value":"lin_api_0123456789abcdefghijklmnopqrstuv{{number:D8}}","tool_name":"{{tool}}","tool_arg":"api_token","is_default_for_tool":true}""";
        return Written(
            Utf8.TryWrite(
                into,
                $"POST /api/v1/secrets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {owner.Key}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}",
                out var length),
            length);
    }
}

/// <summary>One argument of a tool, for any owner; the same request to the service and to the floors.</summary>
/// <param name="path">Where it is sent.</param>
/// <param name="key">The runtime's key.</param>
/// <param name="owners">Whom the calls are for.</param>
/// <param name="expected">What every answer must hold.</param>
internal sealed class Resolve(string path, string key, IReadOnlyList<Owner> owners, byte[] expected) : Workload
{
    private int _next = -1;

    /// <summary>Whether it is for each of the owners once, and then ends.</summary>
    public bool IsForEach { get; private init; }

    /// <summary>The same, once for each owner.</summary>
    public Resolve ForEach() => new(path, key, owners, expected) { IsForEach = true };

    public override int Next(Span<byte> into, uint random)
    {
        var number = IsForEach ? Interlocked.Increment(ref _next) : (int)(random % (uint)owners.Count);
        if (number >= owners.Count) return 0;
        var owner = owners[number];
        var body = $$"""{"user_id":"{{owner.UserId}}","tool_name":"bench__tool_{{(random >> 16) % StoreDefaults.Tools}}","tool_args":["api_token"]}""";
        return Written(
            Utf8.TryWrite(
                into,
                $"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}",
                out var length),
            length);
    }

    public override void Take(ReadOnlySpan<byte> body)
    {
        if (body.IndexOf(expected) < 0) throw new BenchException($"An answer is not what was asked for: {System.Text.Encoding.UTF8.GetString(body)}");
    }
}
