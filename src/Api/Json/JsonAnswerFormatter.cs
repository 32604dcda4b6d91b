using System.Net.Mime;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.Extensions.Options;
using Secrets.Api.Limits;
using JsonOptions = Microsoft.AspNetCore.Mvc.JsonOptions;

namespace Secrets.Api.Json;

/// <summary>
/// The one writer of answers: JSON in UTF-8, whatever is accepted. An answer is small and complete before it is written; the framework's own writer
/// is prepared to wait for the client at every member. Only lists are written like that: a client that does not read would have all of a list kept in buffers.
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
        if (LongAnswerAttribute.IsAskedBy(context.HttpContext))
        {
            return WriteInPiecesAsync(context);
        }

        using (var writer = new Utf8JsonWriter(response.BodyWriter, _writing))
        {
            JsonSerializer.Serialize(writer, context.Object, context.ObjectType!, _json);
        }

        return response.BodyWriter.FlushAsync().AsTask();
    }

    /// <summary>Goes on when the client has read the last piece. The web server cuts off one that hardly reads, and this one that reads for ever.</summary>
    private async Task WriteInPiecesAsync(OutputFormatterWriteContext context)
    {
        await using var deadline = time.CreateTimer(
            static http => ((HttpContext)http!).Abort(), context.HttpContext, TimeSpan.FromSeconds(limits.Value.AnswerSeconds), Timeout.InfiniteTimeSpan);
        await JsonSerializer.SerializeAsync(context.HttpContext.Response.BodyWriter, context.Object, context.ObjectType!, _json, CancellationToken.None);
        await context.HttpContext.Response.BodyWriter.FlushAsync();
    }
}
