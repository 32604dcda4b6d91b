using System.Text.Unicode;

namespace Secrets.Bench;

/// <summary>Stores defaults of one argument for each owner: one for a pattern that matches all tools, each other one for a tool of its own.</summary>
internal sealed class StoreDefaults(IReadOnlyList<Owner> owners, int each = StoreDefaults.Each) : Workload
{
    /// <summary>The default number of secrets of an owner.</summary>
    public const int Each = 10;

    /// <summary>The number of tools that resolves ask for.</summary>
    public const int Tools = Each - 1;

    private long _next = -1;

    public override int Next(Span<byte> into, uint random)
    {
        var number = Interlocked.Increment(ref _next);
        if (number >= (long)owners.Count * each) return 0;
        var (owner, place) = (owners[(int)(number % owners.Count)], number / owners.Count);
        var tool = place < each - 1 ? $"bench__tool_{place}" : "bench__*";
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

/// <summary>Requests for one argument of a tool, for random owners. Service and floors get the same request.</summary>
/// <param name="path">The path of the request.</param>
/// <param name="key">The runtime's key.</param>
/// <param name="owners">The owners of the secrets.</param>
/// <param name="expected">The bytes that every response must contain.</param>
internal sealed class Resolve(string path, string key, IReadOnlyList<Owner> owners, byte[] expected) : Workload
{
    private int _next = -1;

    /// <summary>Whether the workload ends after one request for each owner.</summary>
    public bool IsForEach { get; private init; }

    /// <summary>A copy with one request for each owner.</summary>
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
        if (body.IndexOf(expected) < 0) throw new BenchException($"A response lacks the expected value: {System.Text.Encoding.UTF8.GetString(body)}");
    }
}
