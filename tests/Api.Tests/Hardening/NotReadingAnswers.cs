using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Secrets.Api.Tests.V1;
using Secrets.Domain.Secrets;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Hardening;

/// <summary>Clients that request a list of many megabytes and do not read the answer.</summary>
public sealed class NotReadingAnswers(NotReadingAnswers.OwnServer own) : IClassFixture<NotReadingAnswers.OwnServer>
{
    private const int AnswerSeconds = 4;
    private const int Secrets = 600;

    private readonly ApiServer _server = own.Server;

    [Fact]
    public async Task Clients_that_do_not_read_are_disconnected_and_delay_only_their_user()
    {
        using var user = await LargeUserAsync();
        using var other = await _server.NewUserAsync();
        var whole = (await user.GetAsync(Answers.Secrets)).MustBe(200);
        Assert.Equal(Secrets, whole.Json["data"]!.AsArray().Count);

        var since = Stopwatch.GetTimestamp();
        using var first = await AskAsync(user);
        using var second = await AskAsync(user);
        await Task.Delay(1_000, TestContext.Current.CancellationToken);
        var third = user.GetAsync($"{Answers.Secrets}?limit=1");

        (await other.GetAsync(Answers.Secrets)).MustBe(200);
        (await user.GetAsync($"{Answers.Secrets}/{Guid.NewGuid()}")).MustBeError(404);
        Assert.False(third.IsCompleted);
        (await third).MustBe(200);
        Assert.InRange(Stopwatch.GetElapsedTime(since).TotalSeconds, AnswerSeconds - 1, AnswerSeconds + 10);
        Assert.InRange(await ReadAsync(first), 1, whole.Body.Length / 2);
        Assert.InRange(await ReadAsync(second), 1, whole.Body.Length / 2);
    }

    [Theory]
    [InlineData("/api/v1/audit?limit=1")]
    [InlineData("/api/v1/api-keys?limit=1")]
    public async Task All_lists_of_a_user_share_one_limit(string list)
    {
        using var user = await LargeUserAsync("secrets:read", "audit:read", "keys:manage");
        using var first = await AskAsync(user);
        using var second = await AskAsync(user);
        await Task.Delay(1_000, TestContext.Current.CancellationToken);

        var third = user.GetAsync(list);

        await Task.Delay(500, TestContext.Current.CancellationToken);
        Assert.False(third.IsCompleted);
        (await third).MustBe(200);
    }

    [Fact]
    public async Task Too_many_waiting_lists_of_a_user_get_Retry_After()
    {
        const int Waiting = 200;
        using var user = await LargeUserAsync();
        using var first = await AskAsync(user);
        using var second = await AskAsync(user);
        await Task.Delay(1_000, TestContext.Current.CancellationToken);

        var answers = await Task.WhenAll(Enumerable.Range(0, Waiting + 20).Select(_ => user.GetAsync($"{Answers.Secrets}?limit=1")));

        var refused = answers.Where(answer => answer.Status != 200).ToList();
        Assert.Equal(20, refused.Count);
        Assert.All(refused, answer => Assert.Equal(TimeSpan.FromSeconds(1), answer.MustBeError(429).Headers.RetryAfter!.Delta));
    }

    /// <summary>A user whose list exceeds every socket buffer: the names have the maximum length and only escaped characters.</summary>
    private async Task<ApiClient> LargeUserAsync(params string[] scopes)
    {
        var user = await _server.NewUserAsync(scopes);
        await _server.StoreAsync(SecretOwner.User(user.UserId), [.. Enumerable.Range(0, Secrets).Select(at => new NewSecret(Long(at), "four", Long(at), Long(at)))]);
        return user;
    }

    private static string Long(int number) => string.Concat(Enumerable.Repeat("🔑", 1_000)) + number;

    /// <summary>Requests the list and reads nothing.</summary>
    private async Task<Socket> AskAsync(ApiClient user)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4_096 };
        await socket.ConnectAsync(_server.Address.Host, _server.Address.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {Answers.Secrets} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {user.Key}\r\nConnection: close\r\n\r\n"));
        return socket;
    }

    /// <summary>Reads to the end and returns the number of bytes.</summary>
    private static async Task<long> ReadAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var buffer = new byte[1 << 16];
        var total = 0L;
        try
        {
            while (await socket.ReceiveAsync(buffer, patience.Token) is > 0 and var count)
            {
                total += count;
            }
        }
        catch (SocketException)
        {
            // The server closed the connection.
        }

        return Math.Max(1, total);
    }

    public sealed class OwnServer : IAsyncLifetime
    {
        public ApiServer Server { get; } = ApiServer.With(("Limits:ListsPerUser", "2"), ("Limits:AnswerSeconds", $"{AnswerSeconds}"));

        public ValueTask InitializeAsync() => Server.InitializeAsync();

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }
}
