using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Persistence;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Integrity;

/// <summary>A server with an attacker who writes to its database. The server caches no owners, so that every resolve reads the database.</summary>
public sealed class AttackedServer : IAsyncLifetime
{
    /// <summary>The stored number of the action <c>integrity.failure</c>.</summary>
    public const short IntegrityFailure = 50;

    public ApiServer Server { get; } = ApiServer.With(("Resolve:MemoryMegabytes", "0"));

    public ValueTask InitializeAsync() => Server.InitializeAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    /// <summary>Another replica on the same database, not started.</summary>
    public ApiServer Replica() => ApiServer.With(
        ("ConnectionStrings:Secrets", Server.Services.GetRequiredService<IDatabaseServer>().ConnectionString),
        ("Encryption:RootKeyFile", Server.Services.GetRequiredService<IOptions<EncryptionOptions>>().Value.RootKeyFile));

    /// <summary>Runs an attacker's statement on PostgreSQL.</summary>
    public async Task<int> AttackAsync(string sql)
    {
        await using var db = await Server.NewContextAsync();
#pragma warning disable EF1002 // The statement is an attack of the test.
        return await db.Database.ExecuteSqlRawAsync(sql.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal), TestContext.Current.CancellationToken);
#pragma warning restore EF1002
    }

    /// <summary>Attacks while 64 callers resolve, half of them for another owner. No caller gets a wrong value, and the other half gets its values.</summary>
    public async Task AttackUnderLoadAsync(Victim victim, string sql)
    {
        using var bystander = await Victim.NewAsync(Server);
        using var stop = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 64).Select(number => ResolveUntilAsync(number % 2 == 0 ? victim : bystander, stop.Token)).ToList();
        await Task.Delay(50, TestContext.Current.CancellationToken);
        await AttackAsync(sql);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        var answers = await Task.WhenAll(callers);
        Assert.All(answers.Where((_, number) => number % 2 == 0), statuses => Assert.All(statuses, status => Assert.Contains(status, (int[])[200, 409])));
        Assert.All(answers.Where((_, number) => number % 2 == 1), statuses => Assert.All(statuses, status => Assert.Equal(200, status)));
    }

    private static async Task<List<int>> ResolveUntilAsync(Victim victim, CancellationToken stop)
    {
        List<int> statuses = [];
        do
        {
            var answer = await victim.ResolveAsync();
            statuses.Add(answer.Status);
            if (answer.Status == 200)
            {
                Assert.Equal(Victim.Value, answer.Json["values"]![0]!["secret_value"]!.GetValue<string>());
            }
        }
        while (!stop.IsCancellationRequested);
        return statuses;
    }

    /// <summary>Whether an owner verifies in a process without version floors, as after a restart.</summary>
    public async Task<bool> VerifiesAfterRestartAsync(SecretOwner owner)
    {
        await using var db = await Server.NewContextAsync();
        var reader = ActivatorUtilities.CreateInstance<OwnerReader>(Server.Services, new VersionFloors<SecretOwner>());
        return (await reader.ReadAsync(db, [owner]))[0] is not null;
    }

    /// <summary>Whether a user's API keys verify in a process without version floors, as after a restart.</summary>
    public async Task<bool> KeysVerifyAfterRestartAsync(Guid userId)
    {
        await using var db = await Server.NewContextAsync();
        var reader = ActivatorUtilities.CreateInstance<ApiKeyReader>(Server.Services, new VersionFloors<Guid>());
        return (await reader.ReadAsync(db, userId)).Keys is not null;
    }

    /// <summary>Asserts that log and audit report changed rows of an owner.</summary>
    public async Task MustBeToldAsync(SecretOwner owner)
    {
        Assert.Contains(Server.Log.Lines, line => line.Contains($"The rows of {owner} were changed outside the service", StringComparison.Ordinal));
        Assert.True(await Server.ScalarAsync<long>(
            "SELECT CAST(count(*) AS bigint) FROM audit WHERE action = @action AND owner_id = @owner", ("action", IntegrityFailure), ("owner", owner.Id)) > 0);
    }

    /// <summary>Asserts that log and audit report a changed row of an API key.</summary>
    public async Task MustBeToldOfKeyAsync(string prefix)
    {
        Assert.Contains(Server.Log.Lines, line => line.Contains($"The row of API key {prefix} was changed outside the service", StringComparison.Ordinal));
        Assert.True(await Server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE action = @action", ("action", IntegrityFailure)) > 0);
    }
}

/// <summary>An organisation with two secrets, one of them for a single workspace, and a runtime that obtains their values.</summary>
public sealed class Victim : IDisposable
{
    public const string Value = "the value of the victim";

    private Victim(ApiClient admin, ApiClient runtime, string organization) => (Admin, Runtime, Organization) = (admin, runtime, organization);

    public ApiClient Admin { get; }

    public ApiClient Runtime { get; }

    public string Organization { get; }

    public SecretOwner Owner => new(OwnerKind.Organization, Organization);

    public string Prefix => Domain.ApiKeys.ApiKeyText.PrefixOf(Runtime.Key!);

    /// <summary>The secret that fills <c>a</c>.</summary>
    public Guid First { get; private set; }

    public static async Task<Victim> NewAsync(ApiServer server)
    {
        var organization = $"org-{Guid.NewGuid():N}";
        var victim = new Victim(
            await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "secrets:write"], organization, "admin"),
            await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "secrets:resolve"], organization, "member", "support"),
            organization);
        victim.First = await victim.CreateAsync("first", "t", Value);
        await victim.CreateAsync("wider", "*", "a lesser value");
        (await victim.Admin.PostAsync("/api/v2/aihub/secrets", new JsonObject
        {
            ["alias"] = "second",
            ["value"] = "some value",
            ["allowed_workspaces_type"] = "SOME",
            ["allowed_workspaces"] = new JsonArray("support"),
        })).MustBe(200);
        (await victim.ResolveAsync()).MustBe(200);
        return victim;
    }

    public async Task<Guid> CreateAsync(string name, string tool, string value) => (await TryCreateAsync(name, tool, value)).MustBe(200).Json["secret_id"]!.GetValue<Guid>();

    public Task<Answer> TryCreateAsync(string name, string tool, string value) => Admin.PostAsync($"/api/v1/secrets?organization_id={Organization}", new JsonObject
    {
        ["secret_name"] = name,
        ["secret_value"] = value,
        ["tool_name"] = tool,
        ["tool_arg"] = "a",
        ["is_default_for_tool"] = true,
    });

    public Task<Answer> UpdateAsync(string value) => Admin.PatchAsync($"/api/v1/secrets/{First}", new JsonObject { ["secret_value"] = value });

    public Task<Answer> ResolveAsync() => Runtime.AskAsync("/api/v1/secrets/resolve", new JsonObject
    {
        ["tool_name"] = "t",
        ["tool_args"] = new JsonArray("a"),
        ["organization_id"] = Organization,
        ["workspace"] = "support",
    });

    /// <summary>The value that fills <c>a</c>.</summary>
    public async Task<string> ValueAsync() => (await ResolveAsync()).MustBe(200).Json["values"]![0]!["secret_value"]!.GetValue<string>();

    /// <summary>Asserts that reads of values and writes fail.</summary>
    public async Task MustBeRefusedAsync()
    {
        (await ResolveAsync()).MustBe(409);
        (await UpdateAsync("another value")).MustBe(409);
        (await Admin.DeleteAsync($"/api/v1/secrets/{First}")).MustBe(409);
        (await TryCreateAsync("new", "u", "a new value")).MustBe(409);
    }

    /// <summary>Asserts that requests for names succeed, or get 409 if a row cannot be read.</summary>
    public async Task MustBeListedOrRefusedAsync()
    {
        foreach (var path in (string[])[$"/api/v1/secrets?organization_id={Organization}", $"/api/v1/secrets/{First}", $"/api/v1/usage?organization_id={Organization}", "/api/v2/aihub/secrets"])
        {
            Assert.Contains((await Admin.GetAsync(path)).Status, (int[])[200, 404, 409]);
        }
    }

    public void Dispose()
    {
        Admin.Dispose();
        Runtime.Dispose();
    }
}
