using System.Net;
using Secrets.TestKit;

namespace Secrets.Client.Tests;

/// <summary>A failure is one exception with fault, location and retry delay. The exception never contains sent data.</summary>
public sealed class ReportingFailures(ApiServer server)
{
    private const string Value = "hunter2-hunter2-hunter2";

    [Fact]
    public async Task An_exception_has_status_message_and_locations()
    {
        var (client, raw) = await server.NewUserWithClientAsync();
        await raw.CreateSecretAsync("taken");

        var conflict = await RefusedAsync(HttpStatusCode.Conflict, () => client.CreateSecretAsync(New("taken")));
        Assert.NotEmpty(conflict.Detail);
        Assert.Contains(conflict.Detail, conflict.Message, StringComparison.Ordinal);
        Assert.Empty(conflict.Errors);

        var invalid = await RefusedAsync(
            HttpStatusCode.UnprocessableEntity,
            () => client.CreateSecretAsync(new CreateSecretRequest { SecretName = "", SecretValue = Value, IsDefaultForTool = true }));
        Assert.Contains(invalid.Errors, error => error is { Type: "string_too_short", Message: not "" } && error.Loc.SequenceEqual(["body", "secret_name"]));
        Assert.Contains("body.secret_name: ", invalid.Message, StringComparison.Ordinal);

        var place = (await RefusedAsync(
            HttpStatusCode.UnprocessableEntity,
            () => server.Client().CreateApiKeyAsync(new CreateApiKeyRequest { Name = "n", Scopes = [SecretsScopes.Read, "no scope"] }))).Errors;
        Assert.Equal(["body", "scopes", "1"], Assert.Single(place).Loc);

        await RefusedAsync(HttpStatusCode.NotFound, () => client.GetSecretAsync(Guid.NewGuid()));
        await RefusedAsync(HttpStatusCode.Forbidden, () => client.ListAuditAsync());
        await RefusedAsync(HttpStatusCode.Unauthorized, () => server.Client("no-such-key").ListSecretsAsync());
        await RefusedAsync(HttpStatusCode.BadRequest, () => client.DeleteSecretAsync(Guid.NewGuid(), "malformed"));
        await RefusedAsync(
            HttpStatusCode.RequestEntityTooLarge,
            async () =>
            {
                for (var i = 0; ; i++)
                {
                    await client.CreateSecretAsync(new CreateSecretRequest { SecretName = $"{i}", SecretValue = new string('x', 1024) });
                }
            });
    }

    [Theory]
    [InlineData(429, "7", 7)]
    [InlineData(503, "0", 0)]
    [InlineData(503, "Sat, 21 Nov 2026 09:00:30 GMT", 30)]
    [InlineData(500, null, null)]
    public async Task An_exception_has_the_retry_delay(int status, string? retryAfter, int? seconds)
    {
        await using var service = new FakeService(_ => FakeService.Answer(
            status,
            """{"detail":"not now"}""",
            retryAfter is null ? [] : [("Retry-After", retryAfter), ("Date", "Sat, 21 Nov 2026 09:00:00 GMT")]));
        var refused = await RefusedAsync((HttpStatusCode)status, () => service.Client(retries: 0).CreateSecretAsync(New("n")));
        Assert.Equal("not now", refused.Detail);
        Assert.Equal(seconds is { } wait ? TimeSpan.FromSeconds(wait) : null, refused.RetryAfter);
    }

    [Theory]
    [InlineData(502, "<html>Bad gateway: POST {0}</html>")]
    [InlineData(502, "\"{0}\"")]
    [InlineData(400, """{{"error":"{0}"}}""")]
    [InlineData(422, """{{"detail":[{{"loc":["body","secret_value"],"msg":"too long","type":"string_too_long","input":"{0}"}},5,null]}}""")]
    [InlineData(422, """{{"detail":{{"input":"{0}"}}}}""")]
    [InlineData(200, """{{"secret_id":"{0}"}}""")]
    [InlineData(200, "{0}")]
    public async Task An_exception_holds_nothing_that_the_answer_repeats(int status, string format)
    {
        var body = string.Format(System.Globalization.CultureInfo.InvariantCulture, format, Value);
        await using var service = new FakeService(_ => FakeService.Answer(status, body));
        var refused = await RefusedAsync((HttpStatusCode)status, () => service.Client().CreateSecretAsync(New("n")));
        Assert.NotEmpty(refused.Detail);
    }

    [Fact]
    public async Task An_exception_about_a_broken_answer_holds_no_resolved_value()
    {
        await using var service = new FakeService(_ => FakeService.Answer(200, $$"""{"values":[{"secret_value":"{{Value}}"}],"missing":[]}"""));
        await RefusedAsync(HttpStatusCode.OK, () => service.Client().ResolveAsync(Guid.Empty, "t"));
    }

    private static CreateSecretRequest New(string name) => new() { SecretName = name, SecretValue = Value };

    private static async Task<SecretsApiException> RefusedAsync(HttpStatusCode status, Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<SecretsApiException>(call);
        Assert.Equal(status, refused.StatusCode);
        Assert.DoesNotContain(Value, refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Value, refused.Detail + string.Concat(refused.Errors), StringComparison.Ordinal);
        return refused;
    }
}
