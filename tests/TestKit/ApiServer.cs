using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.Infrastructure.Encryption.Rotation;
using Secrets.Infrastructure.Foundation;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Persistence.Postgres;
using Secrets.Infrastructure.Transactions;
using Secrets.TestKit.Tokens;
using Xunit;

namespace Secrets.TestKit;

/// <summary>
/// The service on a port of its own and a database of its own. The one that all tests of an assembly share is as a user gets it, with its database
/// embedded; tests stay apart by using users of their own. Others (<see cref="With"/>) have a database on the shared server, and start in no time.
/// </summary>
public sealed class ApiServer : IAsyncLifetime
{
    public const string BootstrapKey = "test-bootstrap-key-0123456789-0123456789";

    /// <summary>Small enough that a test can reach it.</summary>
    public const int Quota = 100_000;

    /// <summary>How long a data key that was replaced stays, and a little more.</summary>
    public static readonly TimeSpan RetiredKeysStay = DataKeyReplacement.Stay + TimeSpan.FromSeconds(1);

    private readonly Factory _factory = new();
    private readonly bool _isEmbedded;
    private IdentityProvider? _issuer;

    /// <summary>A service that brings its database along.</summary>
    public ApiServer()
        : this(isEmbedded: true)
    {
    }

    private ApiServer(bool isEmbedded) => _isEmbedded = isEmbedded && !TestDatabase.IsSqlServer;

    /// <summary>Everything that was logged, at every level.</summary>
    public CapturedLog Log => _factory.Log;

    /// <summary>Where the database, its log and the root key are.</summary>
    public string DataDirectory => _factory.DataDirectory;

    public IServiceProvider Services => _factory.Services;

    private string ConnectionString => Services.GetRequiredService<IDatabaseServer>().ConnectionString;

    /// <summary>Whose tokens it accepts.</summary>
    public IdentityProvider Issuer => _issuer ?? throw new InvalidOperationException("The server is not started.");

    /// <summary>The clock that it goes by, instead of the machine's; set before it starts.</summary>
    public TimeProvider? Clock
    {
        set => BeforeStart().Clock = value;
    }

    /// <summary>Whether it replaces keys at moments of its own, as well as when a test says so.</summary>
    public bool ReplacesKeysByItself
    {
        set => BeforeStart().ReplacesKeysByItself = value;
    }

    public Uri Address => _factory.ClientOptions.BaseAddress;

    /// <summary>A server on a database of the shared server, with other settings than those that tests share; null removes one.</summary>
    public static ApiServer With(params (string Name, string? Value)[] settings)
    {
        var server = new ApiServer(isEmbedded: false);
        foreach (var (name, value) in settings)
        {
            server._factory.Settings[name] = value;
        }

        return server;
    }

    public async ValueTask InitializeAsync()
    {
        if (!TestDatabase.IsThere)
        {
            return; // and every test is skipped
        }

        foreach (var (name, value) in _isEmbedded ? TestDatabase.Embedded(DataDirectory) : await TestDatabase.NewAsync(DataDirectory))
        {
            _factory.Settings.TryAdd(name, value);
        }

        _issuer = await IdentityProvider.StartAsync();
        _factory.Settings.TryAdd("Auth:Jwt:Authority", _issuer.Issuer);
        _factory.Settings.TryAdd("Auth:Jwt:Audience", IdentityProvider.Audience);
        _factory.UseKestrel(0);
        _factory.StartServer();
    }

    /// <summary>Why a further replica on somebody's database does not start; null: it does. In this process, which is much faster than another.</summary>
    public static async Task<string?> RefusalOfStartAsync(string connectionString, string rootKeyFile)
    {
        await using var server = With(("ConnectionStrings:Secrets", connectionString), ("Encryption:RootKeyFile", rootKeyFile));
        server.ReplacesKeysByItself = false;
        try
        {
            await server.InitializeAsync();
            return null;
        }
        catch (Exception failure) when (failure is StartupException or ObjectDisposedException)
        {
            // The factory asks for a service of a host that did not start, and says no more than that.
            const string Refusal = $"{nameof(StartupException)}: ";
            return server.Log.Lines.SelectMany(line => line.Split('\n')).Where(line => line.Contains(Refusal, StringComparison.Ordinal))
                .Select(line => line[(line.IndexOf(Refusal, StringComparison.Ordinal) + Refusal.Length)..].Trim()).FirstOrDefault() ?? failure.Message;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _factory.DisposeAsync();
        if (_issuer is not null)
        {
            await _issuer.DisposeAsync();
        }

        Directory.Delete(DataDirectory, recursive: true);
    }

    /// <summary>A client without credentials.</summary>
    public ApiClient Anonymous() => new(NewClient());

    /// <summary>A client that sends that key.</summary>
    public ApiClient WithKey(string key)
    {
        var client = NewClient();
        client.DefaultRequestHeaders.Add("x-api-key", key);
        return new ApiClient(client) { Key = key };
    }

    /// <summary>A client that sends that JWT.</summary>
    public ApiClient WithToken(string token)
    {
        var client = NewClient();
        client.DefaultRequestHeaders.Add("Authorization", $"Bearer {token}");
        return new ApiClient(client) { Key = token };
    }

    /// <summary>The operator.</summary>
    public ApiClient Operator() => WithKey(BootstrapKey);

    /// <summary>A user whom nobody else is, with a key of these scopes; without any, a key to read and write secrets.</summary>
    public async Task<ApiClient> NewUserAsync(params string[] scopes)
    {
        var userId = Guid.NewGuid();
        return await NewKeyAsync(userId, scopes.Length > 0 ? scopes : ["secrets:read", "secrets:write"]);
    }

    /// <summary>A further key for a user, bound to an organisation or to none.</summary>
    public async Task<ApiClient> NewKeyAsync(
        Guid userId, string[] scopes, string? organization = null, string role = "member", params string[] workspaces)
    {
        using var @operator = Operator();
        var made = await @operator.PostAsync("/api/v1/api-keys", new JsonObject
        {
            ["name"] = "test",
            ["user_id"] = userId.ToString(),
            ["scopes"] = new JsonArray([.. scopes.Select(scope => (JsonNode)scope)]),
            ["organization_id"] = organization,
            ["role"] = organization is null ? null : role,
            ["workspaces"] = new JsonArray([.. workspaces.Select(workspace => (JsonNode)workspace)]),
        });
        made.MustBe(200);
        var client = WithKey(made.Json["key"]!.GetValue<string>());
        client.UserId = userId;
        return client;
    }

    /// <summary>
    /// Stores secrets of any owner at once and gives their ids, in that order. What the service has no endpoint for, it stores as the
    /// service itself would.
    /// </summary>
    public async Task<IReadOnlyList<Guid>> StoreAsync(SecretOwner owner, params IReadOnlyList<NewSecret> secrets)
    {
        await using var scope = Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<ISecretsDb>();
        var sealer = scope.ServiceProvider.GetRequiredService<ISealer>();
        var stored = new List<Secret>();
        foreach (var (name, value, tool, arg, isDefault, rule, workspaces) in secrets)
        {
            var secret = Secret.Create(
                owner,
                name,
                "",
                new ToolBinding(tool, arg, isDefault),
                new WorkspaceAccess(rule, workspaces ?? []),
                Guid.NewGuid(),
                TimeProvider.System.GetUtcNow());
            using var plaintext = new SecretValue(System.Text.Encoding.UTF8.GetBytes(value));
            secret.Seal(plaintext, await sealer.SealAheadAsync(secret.Placement, plaintext, CancellationToken.None));
            stored.Add(secret);
        }

        return await db.InTransactionAsync<IReadOnlyList<Guid>>(
            async token =>
            {
                await db.LockAsync(owner, token);
                db.Secrets.AddRange(stored);
                return [.. stored.Select(secret => secret.Id)];
            },
            CancellationToken.None);
    }

    /// <summary>Retires the data key of an owner and makes the next, and seals nothing anew: what a process leaves that is killed at this point.</summary>
    /// <returns>The retired key.</returns>
    public async Task<Guid> RetireDataKeyAsync(SecretOwner owner)
    {
        await using var scope = Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        var keys = scope.ServiceProvider.GetRequiredService<CurrentDataKeys>();
        return await db.InTransactionAsync(
            async token =>
            {
                var current = (await db.LockWholeAsync(owner, token)).CurrentKey!.Id;
                var row = await db.DataKeys.SingleAsync(key => key.Id == current, token);
                row.RetiredAt = row.CreatedAt;
                await db.SaveChangesAsync(token);
                keys.Add(owner);
                return current;
            },
            CancellationToken.None);
    }

    /// <summary>Has the database write everything that it holds in memory to its files, where those are ours to read.</summary>
    public async Task CheckpointAsync()
    {
        if (TestDatabase.IsSqlServer)
        {
            return;
        }

        // Only the cluster's superuser may, and that is not whom the service connects as.
        var superuser = new NpgsqlConnectionStringBuilder(ConnectionString) { Username = "postgres", Pooling = false };
        await using var connection = new NpgsqlConnection(superuser.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("CHECKPOINT", connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The columns of the database that hold a text in any form, as <c>table.column</c>.</summary>
    public Task<IReadOnlyList<string>> ColumnsHoldingAsync(string text) => TableHunt.ColumnsHoldingAsync(ConnectionString, text);

    /// <summary>Has the service remove the part of its audit that is older than that moment.</summary>
    public Task RemoveAuditAsync(DateTimeOffset before) =>
        Services.GetServices<IHostedService>().OfType<AuditRetention>().Single().RemoveAsync(before, CancellationToken.None);

    /// <summary>Has the service note that API keys were used just now.</summary>
    public async Task NoteUseAsync(params IReadOnlyList<Guid> keys)
    {
        await using var scope = Services.CreateAsyncScope();
        var now = TimeProvider.System.GetUtcNow();
        await scope.ServiceProvider.GetRequiredService<SecretsDbContext>().NoteUseAsync(keys, now, now);
    }

    /// <summary>Has the service write how many refusals it left out of the audit, as it does each minute.</summary>
    public Task WriteLeftOutDenialsAsync() => Services.GetRequiredService<DenialLog>().WriteLeftOutAsync(CancellationToken.None);

    /// <summary>Goes once through the keys that are to be replaced, as the service does by itself, and other replicas.</summary>
    public async Task ReplaceKeysAsync()
    {
        using var worker = ActivatorUtilities.CreateInstance<KeyRotationWorker>(Services);
        await worker.RunAsync(CancellationToken.None);
    }

    /// <summary>Runs a statement behind the service's back and keeps its locks until disposed of; then nothing of it remains.</summary>
    public Task<IAsyncDisposable> HoldAsync(Sql sql, params (string Name, object Value)[] parameters) =>
        TestDatabase.HoldAsync(ConnectionString, sql, parameters);

    /// <summary>Runs a statement behind the service's back; gives the number of rows it changed.</summary>
    public Task<int> ExecuteSqlAsync(Sql sql, params (string Name, object Value)[] parameters) =>
        TestDatabase.RunAsync(ConnectionString, sql, parameters, command => command.ExecuteNonQueryAsync());

    /// <summary>Reads one number or text behind the service's back.</summary>
    public Task<T> ScalarAsync<T>(Sql sql, params (string Name, object Value)[] parameters) =>
        TestDatabase.RunAsync(ConnectionString, sql, parameters, async command => TestDatabase.Read<T>((await command.ExecuteScalarAsync())!));

    private Factory BeforeStart() => _issuer is null ? _factory : throw new InvalidOperationException("The server is started already.");

    private HttpClient NewClient() => new() { BaseAddress = _factory.ClientOptions.BaseAddress };

    private sealed class Factory : WebApplicationFactory<Program>
    {
        public CapturedLog Log { get; } = new();

        public TimeProvider? Clock { get; set; }

        public bool ReplacesKeysByItself { get; set; } = true;

        public Dictionary<string, string?> Settings { get; } = new(StringComparer.Ordinal);

        public string DataDirectory { get; } = Directory.CreateTempSubdirectory("secrets-test-").FullName;

        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseEnvironment("Development");
            builder.UseSetting("Auth:BootstrapKey", BootstrapKey);
            builder.UseSetting("Quota:BytesPerOwner", Quota.ToString(System.Globalization.CultureInfo.InvariantCulture));

            // All tests are one address, and many of them are refused.
            builder.UseSetting("Limits:FailedAuthenticationsPerMinute", "0");
            builder.UseSetting("Audit:DenialsPerMinute", "0");
            foreach (var (name, value) in Settings)
            {
                builder.UseSetting(name, value);
            }

            builder.ConfigureLogging(logging => logging.AddProvider(Log));
            builder.ConfigureServices(services =>
            {
                services.ConfigureDbContext<PostgresSecretsDbContext>(options => options.AddInterceptors(SqlServerTranslation.Instance));
                if (!ReplacesKeysByItself)
                {
                    services.Remove(services.Single(service => service.ImplementationType == typeof(KeyRotationWorker)));
                }

                if (Clock is not null)
                {
                    services.AddSingleton(Clock);
                }
            });
        }
    }
}

/// <summary>A secret to store.</summary>
public sealed record NewSecret(
    string Name,
    string Value,
    string? Tool = null,
    string? Arg = null,
    bool IsDefault = false,
    WorkspaceRule Rule = WorkspaceRule.All,
    IReadOnlyList<string>? Workspaces = null);
