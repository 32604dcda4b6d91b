using System.Buffers;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using JsonOptions = Microsoft.AspNetCore.Mvc.JsonOptions;

namespace Secrets.Api.Json;

/// <summary>Reads request bodies (<see cref="StrictJson"/>). Errors are thrown and answered like all other failures.</summary>
internal sealed class JsonBodyFormatter(IOptions<JsonOptions> json)
    : IInputFormatter, IInputFormatterExceptionPolicy, IApiRequestFormatMetadataProvider
{
    private const string MediaType = "application/json";

    // Otherwise MVC would catch our exceptions and replace their messages.
    public InputFormatterExceptionPolicy ExceptionPolicy => InputFormatterExceptionPolicy.MalformedInputExceptions;

    public bool CanRead(InputFormatterContext context)
    {
        var request = context.HttpContext.Request;
        return !HasBody(context.HttpContext) || (IsJson(request.ContentType) && IsPlain(request.Headers.ContentEncoding));
    }

    public IReadOnlyList<string> GetSupportedContentTypes(string? contentType, Type objectType) => [MediaType];

    public async Task<InputFormatterResult> ReadAsync(InputFormatterContext context)
    {
        using var body = await ReceiveAsync(context.HttpContext);
        return StrictJson.Read(body.Bytes, context.ModelType, json.Value.JsonSerializerOptions) switch
        {
            { } model => InputFormatterResult.Success(model),
            null when context.TreatEmptyInputAsDefaultValue => InputFormatterResult.Success(null!),
            null => throw new InvalidRequestException("", Codes.Missing, "A JSON body is required."),
        };
    }

    private static bool HasBody(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? context.Request.ContentLength > 0;

    private static bool IsJson(string? contentType) =>
        string.Equals(contentType, MediaType, StringComparison.OrdinalIgnoreCase)
        || (MediaTypeHeaderValue.TryParse(contentType, out var type) && IsJson(type));

    private static bool IsJson(MediaTypeHeaderValue type) =>
        (type.MediaType.Equals(MediaType, StringComparison.OrdinalIgnoreCase)
            || (type.Type.Equals("application", StringComparison.OrdinalIgnoreCase)
                && type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase)))
        && (!type.Charset.HasValue || IsUtf8(HeaderUtilities.RemoveQuotes(type.Charset)));

    // utf8 is not a registered name, but clients send it.
    private static bool IsUtf8(StringSegment charset) =>
        charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || charset.Equals("utf8", StringComparison.OrdinalIgnoreCase);

    private static bool IsPlain(StringValues encodings) =>
        encodings.Count == 0 || encodings.All(encoding => string.Equals(encoding, "identity", StringComparison.OrdinalIgnoreCase));

    private static async ValueTask<Body> ReceiveAsync(HttpContext context)
    {
        try
        {
            return await ReadBodyAsync(context);
        }
        catch (IOException exception) when (exception is not BadHttpRequestException)
        {
            // Malformed chunks, or a connection that ended early. The client is at fault.
            throw new BadHttpRequestException("The body cannot be read.", exception);
        }
    }

    private static async ValueTask<Body> ReadBodyAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (read.IsCompleted)
            {
                var body = new Body(read.Buffer);
                reader.AdvanceTo(read.Buffer.End);
                return body;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>A body in contiguous memory. Dispose clears it, because it may contain a value.</summary>
    private readonly struct Body : IDisposable
    {
        private readonly IMemoryOwner<byte> _owner;

        public Body(ReadOnlySequence<byte> received)
        {
            var size = checked((int)received.Length);
            _owner = ClearingPool.Shared.Rent(size);
            received.CopyTo(_owner.Memory.Span);
            Bytes = _owner.Memory[..size];
        }

        public ReadOnlyMemory<byte> Bytes { get; }

        public void Dispose() => _owner.Dispose();
    }
}
