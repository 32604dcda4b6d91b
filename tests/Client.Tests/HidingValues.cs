using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Secrets.TestKit;

namespace Secrets.Client.Tests;

/// <summary>Values and keys appear in no log, text form or redirect. Only Reveal returns a value.</summary>
public sealed partial class HidingValues(ApiServer server)
{
    private const string Value = "hunter2-hunter2-hunter2";

    [Fact]
    public async Task A_resolution_prints_no_value_and_clears_it_when_disposed()
    {
        var (client, raw) = await server.NewUserWithClientAsync();
        await raw.CreateSecretAsync("mine", Value, Clients.Tool, "api_token", isDefault: true);

        var resolved = await client.ResolveAsync(raw.UserId, Clients.Tool, ["api_token", "base_url"]);
        var argument = Assert.Single(resolved.Values);
        Assert.Equal("filled: [api_token], missing: [base_url]", resolved.ToString());
        Assert.DoesNotContain(Value, string.Concat<object>([resolved, argument, argument.SecretValue, resolved["api_token"]]), StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => JsonSerializer.Serialize(resolved));
        Assert.Throws<KeyNotFoundException>(() => resolved["base_url"]);
        Assert.Equal(Value, resolved["api_token"].Reveal());

        resolved.Dispose();
        Assert.Throws<ObjectDisposedException>(() => resolved["api_token"].Reveal());
        resolved.Dispose();
    }

    [Fact]
    public void A_request_prints_no_value()
    {
        var create = new CreateSecretRequest { SecretName = "n", SecretValue = Value };
        var update = new UpdateSecretRequest { SecretValue = new SecretText(Value), SecretName = Value };
        Assert.DoesNotContain(Value, string.Concat<object>([create, update, create.SecretValue, update.SecretValue, update.SecretName]), StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => JsonSerializer.Serialize(create));
        Assert.Throws<NotSupportedException>(() => JsonSerializer.Serialize(update));
    }

    [Fact]
    public void Every_credential_member_has_a_hiding_type()
    {
        var members = typeof(ISecretsClient).Assembly.GetExportedTypes()
            .SelectMany(type => type.GetProperties())
            .Where(member => member.GetCustomAttribute<System.Text.Json.Serialization.JsonPropertyNameAttribute>() is { } json && Credential().IsMatch(json.Name))
            .ToList();
        Assert.True(members.Count >= 4);

        // The member `token` of the audit describes a token and holds none.
        members.RemoveAll(member => member.PropertyType == typeof(AuditToken));
        Assert.All(members, member => Assert.Contains(
            member.PropertyType, (Type[])[typeof(SecretText), typeof(Optional<SecretText>)]));
    }

    [Fact]
    public async Task Trace_logs_show_neither_key_nor_value()
    {
        const string key = "k3y-k3y-k3y-k3y";
        var log = new CapturedLog();
        await using var service = new FakeService(request => FakeService.Answer(request.Method == "GET" ? 200 : 422, """{"data":[]}"""));
        var services = new ServiceCollection().AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log));
        services.AddSecretsClient(options => (options.BaseAddress, options.ApiKey) = (service.Address, key));
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<ISecretsClient>();

        await client.ListSecretsAsync(toolName: "t");
        await Assert.ThrowsAsync<SecretsApiException>(() => client.CreateSecretAsync(new CreateSecretRequest { SecretName = "n", SecretValue = Value }));

        var lines = string.Join('\n', log.Lines);
        Assert.Contains("HTTP request", lines, StringComparison.Ordinal);
        Assert.DoesNotContain(key, lines, StringComparison.Ordinal);
        Assert.DoesNotContain(Value, lines, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_gets_neither_key_nor_value()
    {
        await using var thief = new FakeService(_ => FakeService.Answer(200, """{"data":[]}"""));
        await using var service = new FakeService(_ => FakeService.Answer(307, "{}", ("Location", thief.Address.AbsoluteUri)));
        await Assert.ThrowsAsync<SecretsApiException>(() => service.Client().ListSecretsAsync());
        await Assert.ThrowsAsync<SecretsApiException>(
            () => service.Client().CreateSecretAsync(new CreateSecretRequest { SecretName = "n", SecretValue = Value }));
        Assert.Empty(thief.Requests);
    }

    [GeneratedRegex("^key$|(^|_)(value|password|token|secret)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Credential();
}
