using System.Net.Mime;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.Formatters;
using Microsoft.Extensions.Options;
using JsonOptions = Microsoft.AspNetCore.Mvc.JsonOptions;

namespace Secrets.Api.Http;

/// <summary>
/// The one writer of answers: JSON in UTF-8, whatever is accepted. An answer is small and complete before it is written; the framework's own writer
/// is prepared to wait for the client at every member.
/// </summary>
internal sealed class JsonAnswerFormatter(IOptions<JsonOptions> json) : IOutputFormatter, IApiResponseTypeMetadataProvider
{
    private readonly JsonSerializerOptions _json = json.Value.JsonSerializerOptions;
    private readonly JsonWriterOptions _writing = new() { Encoder = json.Value.JsonSerializerOptions.Encoder, SkipValidation = true };

    public bool CanWriteResult(OutputFormatterCanWriteContext context) => true;

    public IReadOnlyList<string>? GetSupportedContentTypes(string? contentType, Type objectType) => [MediaTypeNames.Application.Json];

    public Task WriteAsync(OutputFormatterWriteContext context)
    {
        var response = context.HttpContext.Response;
        response.ContentType = "application/json; charset=utf-8";
        using (var writer = new Utf8JsonWriter(response.BodyWriter, _writing))
        {
            JsonSerializer.Serialize(writer, context.Object, context.ObjectType!, _json);
        }

        return response.BodyWriter.FlushAsync().AsTask();
    }
}
