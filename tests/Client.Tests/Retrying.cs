namespace Secrets.Client.Tests;

public sealed class Retrying
{
    private static readonly (string Name, Func<ISecretsClient, Task> Call)[] Calls =
    [
        ("get", client => client.GetSecretAsync(Guid.Empty)),
        ("list", client => client.ListSecretsAsync()),
        ("delete", client => client.DeleteSecretAsync(Guid.Empty)),
        ("resolve", client => client.ResolveAsync(Guid.Empty, "t")),
        ("explain", client => client.ExplainAsync(new ExplainRequest { ToolName = "t" })),
        ("create", client => client.CreateSecretAsync(new CreateSecretRequest { SecretName = "n", SecretValue = "value" })),
        ("update", client => client.UpdateSecretAsync(Guid.Empty, new UpdateSecretRequest { ToolArg = null })),
        ("create key", client => client.CreateApiKeyAsync(new CreateApiKeyRequest { Name = "n", Scopes = [] })),
    ];

    public static TheoryData<string, bool> Names => [.. Calls.Select(call => (call.Name, call.Name is not ("create" or "update" or "create key")))];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Repeatable_calls_are_retried_after_503(string call, bool isRepeatable) =>
        Assert.Equal(isRepeatable ? 3 : 1, await AttemptsAsync(call, FakeService.Answer(503, "{}", ("Retry-After", "0"))));

    [Theory]
    [MemberData(nameof(Names))]
    public async Task All_calls_are_retried_after_429(string call, bool isRepeatable)
    {
        _ = isRepeatable;
        Assert.Equal(3, await AttemptsAsync(call, FakeService.Answer(429, "{}", ("Retry-After", "0"))));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Repeatable_calls_are_retried_after_a_broken_connection(string call, bool isRepeatable) =>
        Assert.Equal(isRepeatable ? 3 : 1, await AttemptsAsync(call, answer: null));

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(500)]
    public async Task No_other_status_is_retried(int status) =>
        Assert.Equal(1, await AttemptsAsync("get", FakeService.Answer(status, "{}", ("Retry-After", "0"))));

    [Fact]
    public async Task A_retry_waits_as_long_as_Retry_After_says()
    {
        var answers = new Queue<FakeService.Answered>([FakeService.Answer(429, "{}", ("Retry-After", "1")), FakeService.Answer(200, """{"data":[]}""")]);
        await using var service = new FakeService(_ => answers.Dequeue());
        var before = TimeProvider.System.GetTimestamp();
        await service.Client().ListSecretsAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(before), TimeSpan.FromSeconds(0.99), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_long_Retry_After_fails_immediately()
    {
        await using var service = new FakeService(_ => FakeService.Answer(429, "{}", ("Retry-After", "31")));
        var refused = await Assert.ThrowsAsync<SecretsApiException>(() => service.Client().ListSecretsAsync());
        Assert.Equal(TimeSpan.FromSeconds(31), refused.RetryAfter);
        Assert.Single(service.Requests);
    }

    [Fact]
    public async Task Cancellation_ends_a_wait()
    {
        await using var service = new FakeService(_ => FakeService.Answer(429, "{}", ("Retry-After", "20")));
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => service.Client().ListSecretsAsync(cancellationToken: stop.Token));
    }

    [Fact]
    public async Task Every_attempt_sends_the_same_body_with_a_fresh_token()
    {
        var token = 0;
        await using var service = new FakeService(_ => FakeService.Answer(429, "{}", ("Retry-After", "0")));
        var client = Clients.Of(options => (options.BaseAddress, options.TokenProvider) = (service.Address, _ => new($"token-{++token}")));
        await Assert.ThrowsAsync<SecretsApiException>(
            () => client.CreateSecretAsync(new CreateSecretRequest { SecretName = "n", SecretValue = "value" }));
        Assert.Equal(["Bearer token-1", "Bearer token-2", "Bearer token-3", "Bearer token-4"], service.Requests.Select(request => request.Authorization));
        Assert.Equal("""{"secret_name":"n","secret_value":"value"}""", Assert.Single(service.Requests.Select(request => request.Body).Distinct()));
    }

    private static async Task<int> AttemptsAsync(string name, FakeService.Answered? answer)
    {
        await using var service = new FakeService(_ => answer);
        var call = Calls.Single(one => one.Name == name).Call;
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => call(service.Client(retries: 2)));
        Assert.True(answer is null ? failure is HttpRequestException : failure is SecretsApiException, failure.ToString());
        return service.Requests.Count;
    }
}
