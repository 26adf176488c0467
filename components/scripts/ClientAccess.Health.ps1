# The health gate: before the server's address enters DNS, each service must answer at that address, over TLS, for every
# name its clients use.

$ProbeMilliseconds = 10000

# Probes every service in rounds, until all are healthy in one round or the time is over. Returns the services that were
# unhealthy in the last complete round. Fills the report's health: service -> its last answers, one for each name.
function Wait-Healthy {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Table,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]] $Service,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $fqdn = Get-ServerFqdn
    $until = (Get-Date).AddSeconds($Document.HealthSeconds)
    $unhealthy = $null
    while ($true) {
        $failing = @()
        foreach ($name in $Service) {
            # The first round is always completed. A later round ends with the time, so that it cannot hang the run.
            if ($null -ne $unhealthy -and (Get-Date) -ge $until) { return $unhealthy }
            $probe = @{ Document = $Document; Path = $Table[$name].Path; Fqdn = $fqdn }
            $answers = @($Document.Names[$name] | ForEach-Object { Get-HealthAnswer @probe -Name $_ })
            $Report['health'][$name] = [string[]] @($answers | ForEach-Object { $_.Text })
            if (@($answers | Where-Object { -not $_.Healthy }).Count -gt 0) { $failing += $name }
        }
        $unhealthy = $failing
        $secondsLeft = [int][Math]::Ceiling(($until - (Get-Date)).TotalSeconds)
        if ($unhealthy.Count -eq 0) {
            Write-Note "Healthy: $($Service -join ', ')."
            return @()
        }
        if ($secondsLeft -le 0) { return $unhealthy }
        Write-Note "Not healthy yet, $secondsLeft s left: $($unhealthy -join ', ')."
        Start-Sleep -Milliseconds ([Math]::Min(2000, $secondsLeft * 1000))
    }
}

# A service is healthy if healthcheck.htm answers 200 with this server's FQDN in the body, which is how Exchange tells
# load balancers to send clients.
function Get-HealthAnswer {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        [string] $Path,

        [Parameter(Mandatory)]
        [string] $Fqdn
    )
    try {
        $answer = Get-WebPage -Address $Document.Address -Port $Document.Port -Name $Name -Path "/$Path/healthcheck.htm"
    } catch {
        return [pscustomobject]@{
            Healthy = $false
            Text    = "https://$Name/$Path at $($Document.Address): $($_.Exception.GetBaseException().Message)"
        }
    }
    $text = "https://$Name/$Path at $($Document.Address): $($answer.Status)"
    if ($answer.Status -notmatch '^200\b') { return [pscustomobject]@{ Healthy = $false; Text = $text } }
    $isOwnAnswer = $answer.Body -match ('(?<![A-Za-z0-9.-])' + [regex]::Escape($Fqdn) + '(?![A-Za-z0-9.-])')
    if (-not $isOwnAnswer) { $text += ", but not from $Fqdn" }
    [pscustomobject]@{ Healthy = $isOwnAnswer; Text = $text }
}

# Returns Status ("200 OK") and Body of a GET over a new connection. The web requests of .NET Framework take the name
# for SNI and for the certificate check from the URL, which holds an address here. HTTP/1.0 has no chunked bodies.
function Get-WebPage {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Address,

        [Parameter(Mandatory)]
        [int] $Port,

        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        [string] $Path
    )
    $ip = [System.Net.IPAddress]::Parse($Address)
    $client = New-Object System.Net.Sockets.TcpClient($ip.AddressFamily)
    try {
        $connecting = $client.BeginConnect($ip, $Port, $null, $null)
        if (-not $connecting.AsyncWaitHandle.WaitOne($ProbeMilliseconds)) {
            throw "no connection to port $Port within $($ProbeMilliseconds / 1000) s"
        }
        $client.EndConnect($connecting)
        $client.ReceiveTimeout = $ProbeMilliseconds
        $client.SendTimeout = $ProbeMilliseconds
        # The server's own certificate store decides whether the certificate is trusted for the clients' name.
        $tls = New-Object System.Net.Security.SslStream($client.GetStream())
        # Windows Server 2012 R2 offers only TLS 1.0 by default.
        $protocols = [System.Security.Authentication.SslProtocols] 'Tls, Tls11, Tls12'
        $tls.AuthenticateAsClient($Name, $null, $protocols, $false)
        $shownHost = if ($Port -eq 443) { $Name } else { "${Name}:$Port" }
        $head = "GET $Path HTTP/1.0`r`nHost: $shownHost`r`nConnection: close`r`n`r`n"
        $request = [System.Text.Encoding]::ASCII.GetBytes($head)
        $tls.Write($request, 0, $request.Length)
        ConvertFrom-HttpText (New-Object System.IO.StreamReader($tls, [System.Text.Encoding]::UTF8)).ReadToEnd()
    } finally {
        $client.Close()
    }
}

function ConvertFrom-HttpText {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [AllowEmptyString()]
        [string] $Text
    )
    if ($Text -notmatch '^HTTP/\d\.\d (\d{3}[^\r\n]*)') { throw 'the answer is not HTTP' }
    $status = $Matches[1]
    $bodyAt = $Text.IndexOf("`r`n`r`n")
    [pscustomobject]@{ Status = $status; Body = $(if ($bodyAt -ge 0) { $Text.Substring($bodyAt) } else { '' }) }
}
