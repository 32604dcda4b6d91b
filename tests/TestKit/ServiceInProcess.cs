using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Secrets.Infrastructure.Persistence;

namespace Secrets.TestKit;

/// <summary>
/// The service's program in the test process, with arguments, exit code and output. It shares environment variables and standard input with the tests.
/// Tests of these use a <see cref="ServiceProcess"/>.
/// </summary>
public sealed class ServiceInProcess : RunningService
{
    private const string HostSetting = "ASPNETCORE_";

    private static readonly AsyncLocal<ServiceInProcess?> Current = new();

    private readonly StringBuilder _line = new();
    private readonly Task<int> _end;
    private IHost? _host;
    private bool _isAskedToStop;

    static ServiceInProcess()
    {
        Console.SetOut(new Terminal(Console.Out));
        Console.SetError(new Terminal(Console.Error));
        DiagnosticListener.AllListeners.Subscribe(new Hosts());
    }

    private ServiceInProcess(string[] arguments)
    {
        // The program blocks its thread until it ends, so it does not use the pool.
        _end = Task.Factory.StartNew(() => Run(arguments), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
    }

    protected override bool HasEnded => _end.IsCompleted;

    /// <summary>Starts the service on a free port of loopback.</summary>
    /// <param name="settings">Settings under their names as environment variables; null: not set.</param>
    /// <param name="arguments">Arguments of the program, after the settings.</param>
    public static ServiceInProcess Start(IReadOnlyDictionary<string, string?> settings, params string[] arguments)
    {
        var all = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_APPLICATIONNAME"] = typeof(Program).Assembly.GetName().Name,
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
        };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        return new ServiceInProcess([.. all.Where(setting => setting.Value is not null).Select(setting => $"--{NameOf(setting.Key)}={setting.Value}"), .. arguments]);

        static string NameOf(string variable) =>
            (variable.StartsWith(HostSetting, StringComparison.Ordinal) ? variable[HostSetting.Length..] : variable).Replace("__", ":", StringComparison.Ordinal);
    }

    protected override Task<int> EndAsync() => _end;

    protected override Task AskToStopAsync()
    {
        Volatile.Write(ref _isAskedToStop, true);
        StopIfAsked();
        return Task.CompletedTask;
    }

    protected override void Release()
    {
    }

    private async Task<int> Run(string[] arguments)
    {
        Current.Value = this;
        try
        {
            return (int)typeof(Program).Assembly.EntryPoint!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [arguments], null)!;
        }
        finally
        {
            if (_line.Length > 0)
            {
                Print("\n");
            }

            // A process would end everything that the program leaves behind.
            if (_host is IAsyncDisposable host)
            {
                await host.DisposeAsync();
            }
        }
    }

    private void StopIfAsked()
    {
        if (!Volatile.Read(ref _isAskedToStop))
        {
            return;
        }

        try
        {
            Volatile.Read(ref _host)?.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        }
        catch (ObjectDisposedException)
        {
            // The host has ended by itself.
        }
    }

    private void Print(string text)
    {
        lock (_line)
        {
            var lines = _line.Append(text).ToString().ReplaceLineEndings("\n").Split('\n');
            foreach (var line in lines[..^1])
            {
                Keep(line);
            }

            _line.Clear().Append(lines[^1]);
        }
    }

    /// <summary>Routes output to the service that prints it. All other output goes to the terminal of the tests.</summary>
    private sealed class Terminal(TextWriter tests) : TextWriter
    {
        public override Encoding Encoding => tests.Encoding;

        public override void Write(char value) => Write($"{value}");

        public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

        public override void Write(string? value)
        {
            if (Current.Value is { } service)
            {
                service.Print(value ?? "");
                return;
            }

            tests.Write(value);
        }

        public override void Flush() => tests.Flush();
    }

    /// <summary>Captures the host that a service builds, because only the host can stop the service. It also isolates what a process would not share.</summary>
    private sealed class Hosts : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
    {
        public void OnNext(DiagnosticListener value)
        {
            if (Current.Value is not null && value.Name is "Microsoft.Extensions.Hosting")
            {
                value.Subscribe(this);
            }
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            switch (Current.Value, value.Key, value.Value)
            {
                case ({ } service, "HostBuilding", IHostBuilder builder):
                    builder.ConfigureServices(services => services
                        .AddSingleton<ILoggerProvider>(new Log(service))
                        .Decorate<IDatabaseServer>(server => new OwnPools(server)));
                    break;
                case ({ } service, "HostBuilt", IHost host):
                    Volatile.Write(ref service._host, host);
                    service.StopIfAsked();
                    break;
            }
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }

    /// <summary>
    /// Gives each service its own connection pools, as in a separate process. The drivers keep a static pool for each connection string, so the strings must
    /// differ. Unused connections are closed after seconds.
    /// </summary>
    private sealed class OwnPools(IDatabaseServer server) : IDatabaseServer
    {
        private const int Day = 86_400;
        private static int _last;

        private readonly int _lifetime = Day + Interlocked.Increment(ref _last);

        public string ConnectionString => server.ConnectionString is var text && text.StartsWith("Host", StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"{text};Connection Lifetime={_lifetime};Connection Idle Lifetime=10;Connection Pruning Interval=5")
            : string.Create(CultureInfo.InvariantCulture, $"{text};Connection Lifetime={_lifetime}");

        public bool IsPrivate => server.IsPrivate;

        public string? DefaultRootKeyFile => server.DefaultRootKeyFile;

        public string? DefaultCheckpointFile => server.DefaultCheckpointFile;

        public Task StartAsync(CancellationToken cancellationToken) => server.StartAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => server.StopAsync(cancellationToken);
    }

    /// <summary>Keeps log lines that the service writes outside its async context: in the web server and in batches.</summary>
    private sealed class Log(ServiceInProcess service) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => categoryName.StartsWith("Secrets.", StringComparison.Ordinal) ? this : NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            service.Keep($"[{logLevel}] {formatter(state, exception)}");

        public void Dispose()
        {
        }
    }
}
