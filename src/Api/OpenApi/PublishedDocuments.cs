using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace Secrets.Api.OpenApi;

/// <summary>Caches the documents. The first request for a document generates it.</summary>
internal sealed class PublishedDocuments(IServiceProvider services, IOptionsMonitor<OpenApiOptions> options)
{
    // The route admits only known names, so the number of entries is bounded.
    private readonly ConcurrentDictionary<string, Lazy<Task<PublishedDocument>>> _documents = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>A document by its name.</summary>
    public async Task<PublishedDocument> GetAsync(string name)
    {
        var document = _documents.GetOrAdd(name, asked => new Lazy<Task<PublishedDocument>>(() => MakeAsync(asked.ToLowerInvariant())));
        try
        {
            return await document.Value;
        }
        catch
        {
            // The next request tries again.
            _documents.TryRemove(KeyValuePair.Create(name, document));
            throw;
        }
    }

    private async Task<PublishedDocument> MakeAsync(string name)
    {
        var document = await services.GetRequiredKeyedService<IOpenApiDocumentProvider>(name).GetOpenApiDocumentAsync(CancellationToken.None);
        await using var text = new StringWriter(CultureInfo.InvariantCulture);
        var writer = new OpenApiJsonWriter(text);
        await document.SerializeAsync(writer, options.Get(name).OpenApiVersion, CancellationToken.None);
        await writer.FlushAsync(CancellationToken.None);
        return new PublishedDocument(Encoding.UTF8.GetBytes(text.ToString()));
    }
}

/// <summary>A serialised document.</summary>
internal sealed class PublishedDocument(byte[] bytes)
{
    private const string ContentType = "application/json; charset=utf-8";

    private readonly EntityTagHeaderValue _tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))}\"");

    /// <summary>The answer; 304 if the client already has these bytes.</summary>
    public FileContentHttpResult ToResult() => TypedResults.Bytes(bytes, ContentType, entityTag: _tag);
}
