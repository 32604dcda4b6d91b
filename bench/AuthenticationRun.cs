using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Secrets.Bench;

/// <summary>
/// The share of authentication in the cost of a resolve. A path without an endpoint only authenticates. Its cost with a credential (404) minus its cost
/// without (401) is the cost of authentication.
/// </summary>
internal sealed class AuthenticationRun(BenchOptions options, Service service, string key, IReadOnlyList<string> tokens, CancellationToken cancellationToken)
{
    public const string Title = "# Authentication";

    private const int Owners = 1_000;
    private const int Connections = 32;

    // Each token is sent once, so this is the number of requests of that measurement. It exceeds the service's token cache.
    private const int Tokens = 12_000;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(12);

    private readonly LoadGenerator _load = new(service, Connections);

    public static async Task ExecuteAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        await using var authority = await Authority.StartAsync(cancellationToken);
        using var workspace = new Workspace(options, ("Auth__Jwt__Authority", authority.Issuer), ("Auth__Jwt__Audience", Authority.Audience));
        var (service, _) = await Service.StartAsync(workspace, Service.BootstrapKey, cancellationToken);
        await using (service)
        {
            var (server, fileSystem) = await workspace.RequireDurabilityAsync(cancellationToken);
            Progress.Say($"signing {Tokens:N0} tokens");
            var tokens = new string[Tokens];
            Parallel.For(0, Tokens, at => tokens[at] = authority.Token());
            var key = await service.MakeRuntimeAsync(cancellationToken);
            var table = await new AuthenticationRun(options, service, key, tokens, cancellationToken).MeasureAsync();
            var text = Page(options, Machine.Describe(server, fileSystem), table);
            Console.WriteLine(text);
            if (options.Write) await PerformancePage.WriteAsync(Title, text, cancellationToken);
        }
    }

    private async Task<string> MeasureAsync()
    {
        Progress.Say($"storing the defaults of {Owners:N0} owners");
        var make = new MakeOwners(Service.BootstrapKey, Owners);
        await _load.RunAsync(make, cancellationToken);
        var owners = make.Made.ToList();
        await _load.RunAsync(new StoreDefaults(owners), cancellationToken);

        var token = tokens[0];
        var expected = "\"secret_value\":\"lin_api_"u8.ToArray();
        var (byKey, byToken) = (new Resolve("/api/v1/secrets/resolve", key, owners, expected), new Resolve("/api/v1/secrets/resolve", token, owners, expected));
        Progress.Say($"warming up");
        foreach (var workload in (Workload[])[byKey, byToken, new Look(null), new Look(key), new Look(token)])
        {
            await _load.RunAsync(workload, options.Quick ? options.Duration : WarmUp, cancellationToken);
        }

        var nothing = new List<Measurement>();
        var looks = new Dictionary<string, List<Measurement>>(StringComparer.Ordinal);
        var resolves = new Dictionary<string, List<Measurement>>(StringComparer.Ordinal);
        for (var round = 1; round <= options.Rounds; round++)
        {
            Progress.Say($"round {round} of {options.Rounds}");
            nothing.Add(await _load.RunAsync(new Look(null), options.Duration, cancellationToken));
            await AddAsync("API key", new Look(key), byKey);
            await AddAsync("JWT", new Look(token), byToken);
        }

        // Only once: afterwards the tokens are cached.
        var strangers = await _load.RunAsync(new Look([.. tokens.Skip(1)], once: true), cancellationToken);
        var floor = Cost(nothing);
        var table = new StringBuilder();
        foreach (var kind in looks.Keys) Append(kind, Cost(looks[kind]), Cost(resolves[kind]));
        Append("JWT, each seen for the first time", Cost([strangers]), Cost(resolves["JWT"]) - Cost(looks["JWT"]) + Cost([strangers]));
        return table.ToString();

        async Task AddAsync(string kind, Workload look, Workload resolve)
        {
            looks.TryAdd(kind, []);
            resolves.TryAdd(kind, []);
            looks[kind].Add(await _load.RunAsync(look, options.Duration, cancellationToken));
            resolves[kind].Add(await _load.RunAsync(resolve, options.Duration, cancellationToken));
        }

        void Append(string kind, double look, double resolve) => table.AppendLine(Invariant(
            $"| {kind} | {look - floor:0.0} | {resolve:0} | **{(look - floor) / resolve:0.0%}** |"));
    }

    // Processor time of service and database together, in microseconds.
    private static double Cost(IReadOnlyCollection<Measurement> all)
    {
        var of = Measurement.Of(all);
        return Report.Each(of, of.Cost.Service) + Report.Each(of, of.Cost.Database);
    }

    private static string Page(BenchOptions options, string machine, string table) => Invariant($"""
        {Title}

        What `{options.Command()}` measured on {TimeProvider.System.GetUtcNow():yyyy-MM-dd}, and what it means. That command writes this part of the page.

        {machine} {options.Seconds} s per measurement, {options.Rounds} rounds, {Connections} connections.

        | credential | authentication µs | resolve µs | share (asked for: under 10% for key and JWT; of the key an upper bound) |
        |---|--:|--:|--:|
        {table}
        - Figures are processor time of service and database together, per request. The authentication column is the difference between two requests for an unknown path: with the
          credential (404) and without (401).
        - **API key**: each request looks it up in the database, because a revoked key must stop working immediately. Concurrent requests share the query.
          A resolve pays less: it caches the key, and the statement that it waits for anyway validates it (decision 18).
        - **JWT**: RS256 with 2048 bits. The signature of a token is verified once. The result is cached by the token's hash until the token expires or the
          authority's keys change. The last line is the cost of the first request with a token.

        """).ReplaceLineEndings("\n");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Requests a path without an endpoint, with or without credentials.</summary>
    private sealed class Look(IReadOnlyList<string>? credentials, bool once) : Workload
    {
        private long _next = -1;

        public Look(string? credential)
            : this(credential is null ? null : [credential], once: false)
        {
        }

        public override int Status => credentials is null ? 401 : 404;

        public override int Next(Span<byte> into, uint random)
        {
            var number = Interlocked.Increment(ref _next);
            if (once && number >= credentials!.Count) return 0;
            return credentials is null
                ? Written(Utf8.TryWrite(into, $"GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", out var bare), bare)
                : Written(
                    Utf8.TryWrite(
                        into,
                        $"GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {credentials[(int)(number % credentials.Count)]}\r\n\r\n",
                        out var length),
                    length);
        }
    }
}
