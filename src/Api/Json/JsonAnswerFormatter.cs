using System.Net.Mime;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.Formatters;
using Secrets.Api.Limits;
using JsonOptions = Microsoft.AspNetCore.Mvc.JsonOptions;

namespace Secrets.Api.Json;

/// <summary>
/// Writes answers as JSON in UTF-8, regardless of the Accept header. An answer is serialised completely and then sent, which is faster than the framework's
/// asynchronous writer. Only lists are sent in pieces: a slow client would otherwise keep a whole list in buffers.
/// </summary>
internal sealed class JsonAnswerFormatter(IOptions<JsonOptions> json, IOptions<LimitOptions> limits, TimeProvider time) : IOutputFormatter, IApiResponseTypeMetadataProvider
{
    private readonly JsonSerializerOptions _json = json.Value.JsonSerializerOptions;
    private readonly JsonWriterOptions _writing = new() { Encoder = json.Value.JsonSerializerOptions.Encoder, SkipValidation = true };

    public bool CanWriteResult(OutputFormatterCanWriteContext context) => true;

    public IReadOnlyList<string>? GetSupportedContentTypes(string? contentType, Type objectType) => [MediaTypeNames.Application.Json];

    public Task WriteAsync(OutputFormatterWriteContext context)
    {
        var response = context.HttpContext.Response;
        response.ContentType = "application/json; charset=utf-8";
        if (LongListAttribute.IsAskedBy(context.HttpContext))
        {
            return WriteInPiecesAsync(context);
        }

        using (var writer = new Utf8JsonWriter(response.BodyWriter, _writing))
        {
            JsonSerializer.Serialize(writer, context.Object, context.ObjectType!, _json);
            writer.Flush();

            // Without a length, Kestrel splits the answer into chunks, and may send their end separately.
            response.ContentLength = writer.BytesCommitted;
        }

        return response.BodyWriter.FlushAsync().AsTask();
    }

    /// <summary>Waits for the client after each piece. Kestrel disconnects clients below its minimum rate. The deadline here limits the total time.</summary>
    private async Task WriteInPiecesAsync(OutputFormatterWriteContext context)
    {
        await using var deadline = time.CreateTimer(
            static http => ((HttpContext)http!).Abort(), context.HttpContext, TimeSpan.FromSeconds(limits.Value.AnswerSeconds), Timeout.InfiniteTimeSpan);
        await JsonSerializer.SerializeAsync(context.HttpContext.Response.BodyWriter, context.Object, context.ObjectType!, _json, CancellationToken.None);
        await context.HttpContext.Response.BodyWriter.FlushAsync();
    }
}
