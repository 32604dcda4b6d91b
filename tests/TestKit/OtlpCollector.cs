using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Secrets.TestKit;

/// <summary>A collector of OpenTelemetry data over HTTP. It keeps the bytes, and reads the names and the attributes in them.</summary>
public sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<byte[]> _bodies = new();

    private OtlpCollector(WebApplication app) => _app = app;

    /// <summary>The address for exporters.</summary>
    public string Address => _app.Urls.First();

    /// <summary>All bytes that exporters sent, one body after another.</summary>
    public IReadOnlyCollection<byte[]> Bodies => _bodies;

    public ConcurrentQueue<SentMetric> Metrics { get; } = new();

    public ConcurrentQueue<SentSpan> Spans { get; } = new();

    public ConcurrentQueue<SentLine> Lines { get; } = new();

    /// <summary>Starts the collector on a free port of loopback.</summary>
    public static async Task<OtlpCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var collector = new OtlpCollector(app);
        app.Run(collector.TakeAsync);
        await app.StartAsync();
        return collector;
    }

    /// <summary>Waits until the exporters have sent enough.</summary>
    public static async Task WaitAsync(Func<bool> isEnough, string what)
    {
        for (var attempt = 0; attempt < 600; attempt++)
        {
            if (isEnough())
            {
                return;
            }

            await Task.Delay(100);
        }

        throw new InvalidOperationException($"The collector did not get {what}.");
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using var buffer = new MemoryStream();
        await using var body = context.Request.Headers.ContentEncoding == "gzip" ? new GZipStream(context.Request.Body, CompressionMode.Decompress) : context.Request.Body;
        await body.CopyToAsync(buffer);
        var bytes = buffer.ToArray();
        _bodies.Enqueue(bytes);

        // Each request has one or more of: resource with scopes with metrics, spans or log records.
        var scopes = Field.Of(bytes).Where(field => field.Number == 1).SelectMany(resource => resource.Fields(2));
        foreach (var item in scopes.SelectMany(scope => scope.Fields(2)))
        {
            switch (context.Request.Path.Value)
            {
                case "/v1/metrics":
                    Metrics.Enqueue(SentMetric.Read(item));
                    break;
                case "/v1/traces":
                    Spans.Enqueue(SentSpan.Read(item));
                    break;
                case "/v1/logs":
                    Lines.Enqueue(SentLine.Read(item));
                    break;
                default:
                    throw new InvalidOperationException($"There is no signal at {context.Request.Path}.");
            }
        }

        context.Response.ContentType = "application/x-protobuf";
    }

    /// <summary>A field of a protobuf message. Its text, or the message inside it, depends on who asks.</summary>
    internal readonly record struct Field(int Number, ReadOnlyMemory<byte> Bytes, ulong Value)
    {
        public string Text => Encoding.UTF8.GetString(Bytes.Span);

        public static List<Field> Of(ReadOnlyMemory<byte> message)
        {
            List<Field> fields = [];
            for (var at = 0; at < message.Length;)
            {
                var key = Varint(message.Span, ref at);
                var number = (int)(key >> 3);
                switch (key & 7)
                {
                    case 0:
                        fields.Add(new Field(number, default, Varint(message.Span, ref at)));
                        break;
                    case 1:
                        fields.Add(new Field(number, default, BinaryPrimitives.ReadUInt64LittleEndian(message.Span[at..])));
                        at += 8;
                        break;
                    case 2:
                        var length = (int)Varint(message.Span, ref at);
                        fields.Add(new Field(number, message.Slice(at, length), 0));
                        at += length;
                        break;
                    case 5:
                        fields.Add(new Field(number, default, BinaryPrimitives.ReadUInt32LittleEndian(message.Span[at..])));
                        at += 4;
                        break;
                    default:
                        throw new InvalidOperationException($"Protobuf has no wire type {key & 7}.");
                }
            }

            return fields;
        }

        public IEnumerable<Field> Fields(int number) => Of(Bytes).Where(field => field.Number == number);

        public string TextOf(int number) => Fields(number).Select(field => field.Text).FirstOrDefault("");

        /// <summary>The attributes in a field of this number, as name and value.</summary>
        public IEnumerable<(string Name, string Value)> Attributes(int number) => Fields(number).Select(pair => (pair.TextOf(1), ValueOf(pair.Fields(2).FirstOrDefault())));

        private static string ValueOf(Field any) => Of(any.Bytes).Select(value => value.Bytes.IsEmpty ? $"{value.Value}" : value.Text).FirstOrDefault("");

        private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
        {
            var (value, shift) = (0UL, 0);
            byte next;
            do
            {
                next = bytes[at++];
                value |= (ulong)(next & 0x7f) << shift;
                shift += 7;
            }
            while (next >= 0x80);

            return value;
        }
    }
}

/// <summary>A metric as it was exported.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Kind">gauge, sum or histogram.</param>
/// <param name="Attributes">The attributes of all its points.</param>
public sealed record SentMetric(string Name, string Unit, string Kind, IReadOnlyList<(string Name, string Value)> Attributes)
{
    internal static SentMetric Read(OtlpCollector.Field metric)
    {
        var data = OtlpCollector.Field.Of(metric.Bytes).First(field => field.Number is 5 or 7 or 9 or 10 or 11);
        var kind = data.Number switch { 5 => "gauge", 7 => "sum", _ => "histogram" };
        var attributes = data.Fields(1).SelectMany(point => point.Attributes(kind == "histogram" ? 9 : 7));
        return new SentMetric(metric.TextOf(1), metric.TextOf(3), kind, [.. attributes]);
    }
}

/// <summary>A span as it was exported.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Its id.</param>
/// <param name="Parent">The id of its parent; empty: none.</param>
/// <param name="Attributes">Its attributes.</param>
/// <param name="Events">Number of its events.</param>
/// <param name="Status">The description of its status.</param>
public sealed record SentSpan(string Name, string Id, string Parent, IReadOnlyList<(string Name, string Value)> Attributes, int Events, string Status)
{
    internal static SentSpan Read(OtlpCollector.Field span) => new(
        span.TextOf(5),
        Convert.ToHexString(span.Fields(2).First().Bytes.Span),
        Convert.ToHexString(span.Fields(4).FirstOrDefault().Bytes.Span),
        [.. span.Attributes(9)],
        span.Fields(11).Count(),
        span.Fields(15).FirstOrDefault().TextOf(2));
}

/// <summary>A log line as it was exported.</summary>
/// <param name="Body">Its text.</param>
/// <param name="Attributes">Its attributes.</param>
public sealed record SentLine(string Body, IReadOnlyList<(string Name, string Value)> Attributes)
{
    internal static SentLine Read(OtlpCollector.Field line) => new(line.Fields(5).FirstOrDefault().TextOf(1), [.. line.Attributes(6)]);
}
