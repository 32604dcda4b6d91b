using System.Runtime.CompilerServices;

namespace Secrets.Client;

/// <summary>Lists as one sequence, fetched page by page as it is read.</summary>
public static class Paging
{
    /// <summary>What a page holds when nobody says.</summary>
    public const int DefaultPageSize = 100;

    /// <summary>All secrets of the caller, oldest first.</summary>
    /// <param name="client">The service.</param>
    /// <param name="toolName">Only those bound to this tool, by name or pattern.</param>
    /// <param name="pageSize">Secrets to fetch at a time, 1 to 1000.</param>
    /// <param name="cancellationToken">Ends the sequence early.</param>
    public static IAsyncEnumerable<SecretInfo> EnumerateSecretsAsync(
        this ISecretsClient client, string? toolName = null, int pageSize = DefaultPageSize, CancellationToken cancellationToken = default) =>
        PagesAsync(
            async (cursor, token) =>
            {
                var page = await client.ListSecretsAsync(pageSize, cursor, toolName, cancellationToken: token).ConfigureAwait(false);
                return (page.Data, page.NextCursor);
            },
            cancellationToken);

    /// <summary>All API keys that the caller may see, oldest first.</summary>
    /// <param name="client">The service.</param>
    /// <param name="pageSize">Keys to fetch at a time, 1 to 1000.</param>
    /// <param name="cancellationToken">Ends the sequence early.</param>
    public static IAsyncEnumerable<ApiKeyInfo> EnumerateApiKeysAsync(
        this ISecretsClient client, int pageSize = DefaultPageSize, CancellationToken cancellationToken = default) =>
        PagesAsync(
            async (cursor, token) =>
            {
                var page = await client.ListApiKeysAsync(pageSize, cursor, cancellationToken: token).ConfigureAwait(false);
                return (page.Data, page.NextCursor);
            },
            cancellationToken);

    /// <summary>All rows of the audit that the caller may see, newest first.</summary>
    /// <param name="client">The service.</param>
    /// <param name="secretId">Only rows about this secret.</param>
    /// <param name="from">Only rows of this moment and later.</param>
    /// <param name="to">Only rows before this moment.</param>
    /// <param name="pageSize">Rows to fetch at a time, 1 to 1000.</param>
    /// <param name="cancellationToken">Ends the sequence early.</param>
    public static IAsyncEnumerable<AuditInfo> EnumerateAuditAsync(
        this ISecretsClient client,
        Guid? secretId = null,
        DateTimeOffset? from = null,
        DateTimeOffset? to = null,
        int pageSize = DefaultPageSize,
        CancellationToken cancellationToken = default) =>
        PagesAsync(
            async (cursor, token) =>
            {
                var page = await client
                    .ListAuditAsync(pageSize, cursor, secretId, from: from, to: to, cancellationToken: token)
                    .ConfigureAwait(false);
                return (page.Data, page.NextCursor);
            },
            cancellationToken);

    private static async IAsyncEnumerable<T> PagesAsync<T>(
        Func<string?, CancellationToken, Task<(IReadOnlyList<T> Data, string? NextCursor)>> read,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? cursor = null;
        do
        {
            (var data, cursor) = await read(cursor, cancellationToken).ConfigureAwait(false);
            foreach (var item in data)
            {
                yield return item;
            }
        }
        while (cursor is not null);
    }
}
