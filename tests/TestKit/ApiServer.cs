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
/// The service on its own port and its own database. All tests of an assembly share one service with an embedded database, as a user gets it; each test
/// uses its own users. Other services (<see cref="With"/>) have a database on the shared server and start much faster.
/// </summary>
public sealed class ApiServer : IAsyncLifetime
{
    public const string BootstrapKey = "test-bootstrap-key-0123456789-0123456789";

    /// <summary>Bytes per owner. A test can reach this quota.</summary>
    public const int Quota = 100_000;

    /// <summary>How long a retired data key is kept, plus a second.</summary>
    public static readonly TimeSpan RetiredKeysStay = DataKeyReplacement.GracePeriod + TimeSpan.FromSeconds(1);

    private readonly Factory _factory = new();
    private readonly bool _isEmbedded;
    private IdentityProvider? _issuer;

    /// <summary>A service with an embedded database.</summary>
    public ApiServer()
        : this(isEmbedded: true)
    {
    }

    private ApiServer(bool isEmbedded) => _isEmbedded = isEmbedded && !TestDatabase.IsSqlServer;

    /// <summary>All log lines, at every level.</summary>
    public CapturedLog Log => _factory.Log;

    /// <summary>The folder of the database, its log and the root key.</summary>
    public string DataDirectory => _factory.DataDirectory;

    public IServiceProvider Services => _factory.Services;

    private string ConnectionString => Services.GetRequiredService<IDatabaseServer>().ConnectionString;

    /// <summary>The authority whose tokens the service accepts.</summary>
    public IdentityProvider Issuer => _issuer ?? throw new InvalidOperationException("The server is not started.");

    /// <summary>The service's clock, in place of the machine's. Set it before the start.</summary>
    public TimeProvider? Clock
    {
        set => BeforeStart().Clock = value;
    }

    /// <summary>Whether the service rotates keys by itself, in addition to <see cref="ReplaceKeysAsync"/>.</summary>
    public bool ReplacesKeysByItself
    {
        set => BeforeStart().ReplacesKeysByItself = value;
    }

    public Uri Address => _factory.ClientOptions.BaseAddress;

    /// <summary>A service with a database on the shared server and with its own settings; null removes a setting.</summary>
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
            return; // Every test is skipped.
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

    /// <summary>Why another replica on a database refuses to start; null: it starts. It runs in this process, which is much faster than a new one.</summary>
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
            // The exception of the factory says only that the host did not start. The log has the reason.
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

    /// <summary>A client with an API key.</summary>
    public ApiClient WithKey(string key)
    {
        var client = NewClient();
        client.DefaultRequestHeaders.Add("x-api-key", key);
        return new ApiClient(client) { Key = key };
    }

    /// <summary>A client with a JWT.</summary>
    public ApiClient WithToken(string token)
    {
        var client = NewClient();
        client.DefaultRequestHeaders.Add("Authorization", $"Bearer {token}");
        return new ApiClient(client) { Key = token };
    }

    /// <summary>A client with the bootstrap key.</summary>
    public ApiClient Operator() => WithKey(BootstrapKey);

    /// <summary>A new user with a key of these scopes. Without scopes the key may read and write secrets.</summary>
    public async Task<ApiClient> NewUserAsync(params string[] scopes)
    {
        var userId = Guid.NewGuid();
        return await NewKeyAsync(userId, scopes.Length > 0 ? scopes : ["secrets:read", "secrets:write"]);
    }

    /// <summary>A new key for a user, optionally bound to an organisation.</summary>
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
    /// Stores secrets of an owner in one transaction and returns their ids in the same order. It uses the service's own code, so it also stores
    /// secrets that no endpoint accepts.
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

    /// <summary>Retires an owner's data key and makes the next, but re-seals nothing: the state after a process was killed at this point.</summary>
    /// <returns>The retired key.</returns>
    public async Task<Guid> RetireDataKeyAsync(SecretOwner owner)
    {
        await using var scope = Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        var keys = scope.ServiceProvider.GetRequiredService<CurrentDataKeys>();
        return await db.InTransactionAsync(
            async token =>
            {
                var current = (await db.LockAndVerifyAsync(owner, token)).CurrentKey!.Id;
                var row = await db.DataKeys.SingleAsync(key => key.Id == current, token);
                row.RetiredAt = row.CreatedAt;
                await db.SaveChangesAsync(token);
                keys.AddNewKey(owner);
                return current;
            },
            CancellationToken.None);
    }

    /// <summary>Makes PostgreSQL flush its memory to its files. On SQL Server it does nothing: tests cannot read its files.</summary>
    public async Task CheckpointAsync()
    {
        if (TestDatabase.IsSqlServer)
        {
            return;
        }

        // CHECKPOINT needs the superuser. The service does not connect as superuser.
        var superuser = new NpgsqlConnectionStringBuilder(ConnectionString) { Username = "postgres", Pooling = false };
        await using var connection = new NpgsqlConnection(superuser.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("CHECKPOINT", connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The columns of the database that contain a text in any encoding, as <c>table.column</c>.</summary>
    public Task<IReadOnlyList<string>> ColumnsHoldingAsync(string text) => TableHunt.ColumnsHoldingAsync(ConnectionString, text);

    /// <summary>Makes the service remove audit rows older than a moment.</summary>
    public Task RemoveAuditAsync(DateTimeOffset before) =>
        Services.GetServices<IHostedService>().OfType<AuditRetention>().Single().RemoveAsync(before, CancellationToken.None);

    /// <summary>Makes the service record that API keys were used now.</summary>
    public async Task NoteUseAsync(params IReadOnlyList<Guid> keys)
    {
        await using var scope = Services.CreateAsyncScope();
        var now = TimeProvider.System.GetUtcNow();
        await scope.ServiceProvider.GetRequiredService<SecretsDbContext>().NoteUseAsync(keys, now, now);
    }

    /// <summary>Makes the service write the number of refusals without an audit row, as it does each minute.</summary>
    public Task WriteLeftOutDenialsAsync() => Services.GetRequiredService<DenialLog>().WriteLeftOutAsync(CancellationToken.None);

    /// <summary>Runs one pass of key rotation, like the background worker of every replica.</summary>
    public async Task ReplaceKeysAsync()
    {
        using var worker = ActivatorUtilities.CreateInstance<KeyRotationWorker>(Services);
        await worker.RunAsync(CancellationToken.None);
    }

    /// <summary>Runs a statement directly on the database and holds its locks until the result is disposed. Then it is rolled back.</summary>
    public Task<IAsyncDisposable> HoldAsync(Sql sql, params (string Name, object Value)[] parameters) =>
        TestDatabase.HoldAsync(ConnectionString, sql, parameters);

    /// <summary>Runs a statement directly on the database and returns the number of changed rows.</summary>
    public Task<int> ExecuteSqlAsync(Sql sql, params (string Name, object Value)[] parameters) =>
        TestDatabase.RunAsync(ConnectionString, sql, parameters, command => command.ExecuteNonQueryAsync());

    /// <summary>Reads one number or text directly from the database.</summary>
    public Task<T> ScalarAsync<T>(Sql sql, params (string Name, object Value)[] parameters) =>
        TestDatabase.RunAsync(ConnectionString, sql, parameters, async command => TestDatabase.Read<T>((await command.ExecuteScalarAsync())!));

    private Factory BeforeStart() => _issuer is null ? _factory : throw new InvalidOperationException("The server has started already.");

    // Hundreds of creates at once take minutes where Babelfish and the tests share two cores.
    private HttpClient NewClient() => new() { BaseAddress = _factory.ClientOptions.BaseAddress, Timeout = TimeSpan.FromMinutes(5) };

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

            // All tests share one address, and many of their requests are refused.
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
