using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace Secrets.Api.OpenApi;

/// <summary>The documents as they are served. Each is made with the first request for it; all others get the same bytes.</summary>
internal sealed class PublishedDocuments(IServiceProvider services, IOptionsMonitor<OpenApiOptions> options)
{
    // Only names that the route takes get here: there are as many entries as documents.
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
            // The next request makes it anew.
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

/// <summary>A document in the form in which it is sent.</summary>
internal sealed class PublishedDocument(byte[] bytes)
{
    private const string ContentType = "application/json; charset=utf-8";

    private readonly EntityTagHeaderValue _tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))}\"");

    /// <summary>The answer; 304 to a client that has these bytes already.</summary>
    public FileContentHttpResult ToResult() => TypedResults.Bytes(bytes, ContentType, entityTag: _tag);
}
