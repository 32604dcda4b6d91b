using System.Net;
using System.Text.Json.Nodes;
using Secrets.Domain.ApiKeys;
using Secrets.TestKit;

namespace Secrets.Client.Tests;

public sealed class CallingTheService(ApiServer server)
{
    [Fact]
    public async Task The_client_calls_every_operation()
    {
        var client = server.Client();
        var name = $"every operation {Guid.NewGuid()}";
        var tool = $"tool_{Guid.NewGuid():N}";

        var made = await client.CreateSecretAsync(
            new CreateSecretRequest { SecretName = name, SecretValue = "a value of a secret", ToolName = tool, ToolArg = "token", IsDefaultForTool = true });
        var listed = await client.ListSecretsAsync(secretName: name);
        var got = await client.GetSecretAsync(made.SecretId);
        Assert.Equal(made.SecretId, Assert.Single(listed.Data).SecretId);
        Assert.Equal((name, tool, "token", true), (got.SecretName, got.ToolName, got.ToolArg, got.IsDefaultForTool));
        Assert.Equal(made.CreatedAt, got.CreatedAt);
        Assert.DoesNotContain("value", got.Display, StringComparison.Ordinal);

        using var resolved = await client.ResolveAsync(made.UserId, tool, ["token", "other"]);
        Assert.Equal("a value of a secret", resolved["token"].Reveal());
        Assert.Equal(("other", "no_default"), (Assert.Single(resolved.Missing).ToolArg, resolved.Missing[0].Reason));
        Assert.NotNull(resolved.Receipt);
        var explained = Assert.Single((await client.ExplainAsync(new ExplainRequest { UserId = made.UserId, ToolName = tool, ToolArgs = ["token"] })).Arguments);
        Assert.Equal(made.SecretId, explained.Winner?.SecretId);

        var updated = await client.UpdateSecretAsync(made.SecretId, new UpdateSecretRequest { SecretName = $"{name}, renamed" });
        Assert.Equal((name + ", renamed", tool), (updated.SecretName, updated.ToolName));
        await client.DeleteSecretAsync(made.SecretId);
        Assert.Empty((await client.ListSecretsAsync(toolName: tool)).Data);

        var audit = await client.ListAuditAsync(secretId: made.SecretId, from: made.CreatedAt.AddMinutes(-1), to: made.CreatedAt.AddHours(1));
        Assert.Equal(["secret.delete", "secret.update", "secret.resolve", "secret.create"], audit.Data.Select(row => row.Action));
        Assert.Equal("user", audit.Data[0].Owner?.Kind);
        Assert.True((await client.VerifyAuditAsync()).Ok);
        Assert.Equal(ApiServer.Quota, (await client.GetUsageAsync()).BytesQuota);

        var key = await client.CreateApiKeyAsync(new CreateApiKeyRequest { Name = name, Scopes = [SecretsScopes.Read], ExpiresAt = made.CreatedAt.AddYears(1) });
        Assert.Empty((await server.Client(key.Key!.Reveal()).ListSecretsAsync(secretName: name)).Data);
        Assert.Null(Assert.Single((await client.ListApiKeysAsync()).Data, one => one.Id == key.Id).Key);
        await client.DeleteApiKeyAsync(key.Id);
        var refused = await Assert.ThrowsAsync<SecretsApiException>(() => server.Client(key.Key!.Reveal()).ListSecretsAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task A_backend_manages_secrets_of_users_by_name_or_id()
    {
        var client = server.Client();
        var user = $"ada {Guid.NewGuid():N} + Söhne & 100%";
        var made = await client.CreateSecretAsync(
            new CreateSecretRequest { SecretName = "n", SecretValue = "a value of a secret", ToolName = "t", ToolArg = "a", IsDefaultForTool = true }, user: user);

        Assert.Equal(made.SecretId, Assert.Single((await client.ListSecretsAsync(user: user)).Data).SecretId);
        Assert.Equal(1, (await client.GetUsageAsync(userId: made.UserId)).Secrets);
        using var resolved = await client.ResolveAsync(new ResolveRequest { User = user, ToolName = "t" });
        Assert.Equal("a value of a secret", resolved["a"].Reveal());
        Assert.Equal("m", (await client.UpdateSecretAsync(made.SecretId, new UpdateSecretRequest { SecretName = "m" }, made.ETag, userId: made.UserId)).SecretName);
        await client.DeleteSecretAsync(made.SecretId, userId: made.UserId);
        var gone = await Assert.ThrowsAsync<SecretsApiException>(() => client.GetSecretAsync(made.SecretId, user: user));
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task Secrets_of_an_organisation_are_managed_and_refused_in_the_vault_dialect()
    {
        var client = server.Client();
        var alias = $"alias_{Guid.NewGuid():N}";
        await client.CreateAiHubSecretAsync(
            new CreateAliasRequest { Alias = alias, Value = "a value of a secret", AllowedWorkspacesType = "ALL", Description = "before" });
        await client.UpdateAiHubSecretAsync(new UpdateAliasRequest { Alias = alias, Description = "after" });
        Assert.Equal("after", Assert.Single((await client.ListAiHubSecretsAsync(alias: alias)).Secrets).Description);
        await client.DeleteAiHubSecretAsync(new DeleteAliasRequest { Alias = alias });

        var gone = await Assert.ThrowsAsync<SecretsApiException>(() => client.DeleteAiHubSecretAsync(new DeleteAliasRequest { Alias = alias }));
        Assert.Equal((HttpStatusCode.NotFound, "Not found"), (gone.StatusCode, gone.Detail));
    }

    [Fact]
    public async Task Every_operation_supports_cancellation()
    {
        var client = server.Client();
        var cancelled = new CancellationToken(canceled: true);
        var operations = typeof(ISecretsClient).GetMethods();
        Assert.NotEmpty(operations);
        foreach (var operation in operations)
        {
            var arguments = operation.GetParameters().Select(parameter => parameter.ParameterType switch
            {
                { } type when type == typeof(CancellationToken) => cancelled,
                { IsValueType: true } type => Activator.CreateInstance(type),
                { Namespace: "Secrets.Client" } type => System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type),
                _ => null,
            });
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => (Task)operation.Invoke(client, [.. arguments])!);
        }
    }

    [Fact]
    public async Task Pages_are_read_to_the_end_and_only_as_needed()
    {
        var (client, raw) = await server.NewUserWithClientAsync([.. Clients.Runtime, SecretsScopes.ManageKeys, SecretsScopes.ReadAudit]);
        for (var i = 0; i < 7; i++)
        {
            await raw.CreateSecretAsync($"secret {i}", toolName: i % 2 == 0 ? Clients.Tool : null);
        }

        var all = await client.EnumerateSecretsAsync(pageSize: 3).ToListAsync();
        Assert.Equal(Enumerable.Range(0, 7).Select(i => $"secret {i}"), all.Select(secret => secret.SecretName));
        Assert.Equal(4, await client.EnumerateSecretsAsync(Clients.Tool, pageSize: 2).CountAsync());
        Assert.Equal(8, await client.EnumerateAuditAsync(pageSize: 3).CountAsync());
        Assert.Single(await client.EnumerateApiKeysAsync(pageSize: 1).ToListAsync());

        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in client.EnumerateSecretsAsync(pageSize: 1).WithCancellation(stop.Token))
            {
                await stop.CancelAsync();
            }
        });
    }

    [Fact]
    public async Task An_entity_tag_prevents_lost_updates()
    {
        var (client, _) = await server.NewUserWithClientAsync();
        var made = await client.CreateSecretAsync(new CreateSecretRequest { SecretName = "n", SecretValue = "first value" });
        var changed = await client.UpdateSecretAsync(made.SecretId, new UpdateSecretRequest { SecretName = "m" }, made.ETag);
        Assert.NotEqual(made.ETag, changed.ETag);
        Assert.Equal(changed.ETag, (await client.GetSecretAsync(made.SecretId)).ETag);

        foreach (var late in (Func<Task>[])
        [
            () => client.UpdateSecretAsync(made.SecretId, new UpdateSecretRequest { SecretName = "k" }, made.ETag),
            () => client.DeleteSecretAsync(made.SecretId, made.ETag),
        ])
        {
            Assert.Equal(HttpStatusCode.PreconditionFailed, (await Assert.ThrowsAsync<SecretsApiException>(late)).StatusCode);
        }

        await client.DeleteSecretAsync(made.SecretId, changed.ETag);
    }

    [Fact]
    public async Task The_client_ignores_unknown_members()
    {
        await using var service = new FakeService(_ => FakeService.Answer(200, """
            {"values":[{"tool_arg":"a","secret_value":"v\u0061lue 🔑","secret_id":"00000000-0000-0000-0000-000000000001","secret_name":"n","matched":null,
            "source":"a source of tomorrow","owner":"user","version":1,"new":{"x":[1]}}],"missing":[],"also":"new"}
            """));
        var resolved = await service.Client().ResolveAsync(Guid.Empty, "t");
        Assert.Equal("value 🔑", resolved["a"].Reveal());
        Assert.Equal("a source of tomorrow", resolved.Values[0].Source);
        Assert.Null(resolved.Receipt);
    }

    [Fact]
    public void The_clients_scopes_match_the_service() =>
        Assert.Equal(
            ScopeNames.All.Order(StringComparer.Ordinal),
            typeof(SecretsScopes).GetFields().Select(field => (string)field.GetValue(null)!).Order(StringComparer.Ordinal));

    [Fact]
    public async Task A_request_omits_unset_members()
    {
        var bodies = new List<string>();
        await using var service = new FakeService(request =>
        {
            bodies.Add(request.Body);
            return FakeService.Answer(503, "{}");
        });
        var client = service.Client(retries: 0);
        await Assert.ThrowsAsync<SecretsApiException>(() => client.CreateSecretAsync(new CreateSecretRequest { SecretName = "n", SecretValue = "value" }));
        await Assert.ThrowsAsync<SecretsApiException>(() => client.UpdateSecretAsync(Guid.Empty, new UpdateSecretRequest()));
        await Assert.ThrowsAsync<SecretsApiException>(() => client.ResolveAsync(Guid.Empty, "t"));
        await Assert.ThrowsAsync<SecretsApiException>(() => client.ResolveAsync(new ResolveRequest { UserId = null, OrganizationId = "o", ToolName = "t" }));
        await Assert.ThrowsAsync<SecretsApiException>(() => client.ExplainAsync(new ExplainRequest { User = "ada", ToolName = "t" }));
        Assert.Equal(
            [
                """{"secret_name":"n","secret_value":"value"}""",
                "{}",
                """{"user_id":"00000000-0000-0000-0000-000000000000","tool_name":"t"}""",
                """{"user_id":null,"tool_name":"t","organization_id":"o"}""",
                """{"tool_name":"t","user":"ada"}""",
            ],
            bodies.Select(body => JsonNode.Parse(body)!.ToJsonString()));
    }
}
